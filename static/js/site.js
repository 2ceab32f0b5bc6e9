// What every page does besides htmx: the clock walks, a form in flight says so, an answer is read first,
// going back is in order, a menu shuts, Enter chooses among what a field offers.
import { startClocks } from "./clock.js";
import { dropPassedPages } from "./history.js";
import { shutMenus } from "./menu.js";
import { markBusyForms } from "./busy.js";
import { startWhereAnswered } from "./focus.js";
import { chooseByEnter } from "./choose.js";

startClocks(document);
markBusyForms(document);
startWhereAnswered(document);
dropPassedPages(document);
shutMenus(document);
chooseByEnter(document);
