import { existsSync } from "node:fs";

const PLACES = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome", "/snap/bin/chromium"];

/** Where Chromium is: `CHROMIUM`, or where Linux distributions put it; undefined: it is not there. */
export const CHROMIUM = process.env["CHROMIUM"] ?? PLACES.find((path) => existsSync(path));

export const ARGUMENTS = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--disable-dev-shm-usage",
  "--hide-scrollbars",
  "--window-size=1280,900",
];

if (!CHROMIUM) {
  console.warn(
    "\n*** Chromium was not found: the browser tests are SKIPPED. Debian: apt-get install chromium; elsewhere set CHROMIUM.\n",
  );
}
