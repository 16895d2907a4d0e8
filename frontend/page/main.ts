import { createPinia } from "pinia";
import { createApp } from "vue";
import App from "./App.vue";
import { applyPreferences } from "./preferences.ts";
import { connect } from "./session.ts";
import "./styles.css";

applyPreferences();
const app = createApp(App).use(createPinia());
connect();
app.mount("#page");
