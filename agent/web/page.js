/* The demo page's buttons: each sends its sentence through the widget. */
"use strict";
const widget = () => document.querySelector("hearken-widget");

for (const button of document.querySelectorAll("[data-say]")) {
  button.addEventListener("click", () => widget()?.say(button.dataset.say));
}
for (const button of document.querySelectorAll("[data-open]")) {
  button.addEventListener("click", () => widget()?.open());
}
for (const place of document.querySelectorAll("[data-origin]")) place.textContent = location.origin;
