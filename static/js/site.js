// What every page does besides htmx: the clock walks, a form in flight says so, going back is in order.
import { startClocks } from "./clock.js";
import { dropPassedPages } from "./history.js";
import { markBusyForms } from "./busy.js";

startClocks(document);
markBusyForms(document);
dropPassedPages(document);
