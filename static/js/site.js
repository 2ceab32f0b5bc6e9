// What every page does besides htmx: the clock walks, and a form in flight says so.
import { startClocks } from "./clock.js";
import { markBusyForms } from "./busy.js";

startClocks(document);
markBusyForms(document);
