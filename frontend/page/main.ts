import { createPinia } from "pinia";
import { createApp } from "vue";
import App from "./App.vue";
import { applyPreferences } from "./shell/preferences.ts";
import { connect } from "./shell/session.ts";
import "./styles.css";
import { report, reportAllElse } from "./shell/trouble.ts";

applyPreferences();
const app = createApp(App).use(createPinia());
app.config.errorHandler = report;
reportAllElse();
connect();
app.mount("#page");
if (!document.getElementById("page")?.firstElementChild) throw new Error("The page shows nothing."); // start.js says so
