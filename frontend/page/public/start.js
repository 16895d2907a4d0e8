// Runs before the page, also in browsers that cannot run the page: says why nothing is to be seen, if nothing is.
// Written so that the oldest of them understand it.
(function () {
  // Dexie makes a channel while it is loaded. A browser that denies the page storage may throw then; it shall have none.
  try {
    new BroadcastChannel("finwise").close();
  } catch {
    delete window.BroadcastChannel;
  }

  var TEXTS = {
    en: [
      "The page could not start",
      "Reload it. If it still does not start, update this browser or use another one. What you entered is still on this device.",
      "Reload",
    ],
    de: [
      "Die Seite konnte nicht starten",
      "Lade sie neu. Startet sie dann immer noch nicht, aktualisiere diesen Browser oder nimm einen anderen. Was du eingegeben hast, ist noch auf diesem Gerät.",
      "Neu laden",
    ],
  };

  function add(parent, tag, text) {
    var element = document.createElement(tag);
    element.appendChild(document.createTextNode(text));
    parent.appendChild(element);
    return element;
  }

  function explain() {
    var page = document.getElementById("page");
    if (!page || page.firstElementChild) return; // it runs, or this is said already
    var language = /^de/i.test(String(navigator.language)) ? "de" : "en";
    document.documentElement.lang = language;
    var notice = document.createElement("main");
    notice.className = "fallback";
    notice.setAttribute("role", "alert");
    add(notice, "h1", TEXTS[language][0]);
    add(notice, "p", TEXTS[language][1]);
    add(add(notice, "p", ""), "a", TEXTS[language][2]).href = "./?login"; // past what is kept here: it may be what does not start
    page.appendChild(notice);
  }

  function explainSoon(event) {
    var isOfFile = event.target && event.target.tagName; // a file that did not come; without a picture the page starts
    if (!isOfFile || event.target.tagName === "SCRIPT") setTimeout(explain, 0); // after whatever else the page does with the error
  }

  window.addEventListener("error", explainSoon, true);
  window.addEventListener("unhandledrejection", explainSoon);
  if (!("noModule" in document.createElement("script"))) document.addEventListener("DOMContentLoaded", explain);
})();
