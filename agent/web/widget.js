/* Puts the Hearken chat and voice widget on a page:
 *
 *   <script src="https://host/widget.js" data-title="Ask us" defer></script>
 *
 * data-title          heading of the panel                          "Chat with us"
 * data-open           "true" opens the panel when the page loads    "false"
 * data-speak          "false" keeps voice replies silent            "true"
 * data-mood           "false" hides the mood of the conversation    "true"
 * data-recording      "true" also asks whether the conversation may be recorded; set it only where
 *                     your server records                            "false"
 * data-plain-audio    "true" asks the browser not to clean the microphone's sound
 * data-server         websocket address                             this script's host, v1/session
 * data-customer-name, data-customer-id, data-token                  passed on to the server
 *
 * A classic script cannot import statically, so this file only reads the tag and loads the rest.
 */
"use strict";
(() => {
  const script = document.currentScript;
  const { dataset } = script;

  const beside = (path) => new URL(path, script.src);

  const server = beside("v1/session");
  server.protocol = server.protocol === "http:" ? "ws:" : "wss:";
  server.search = "";

  const customer = { id: dataset.customerId, name: dataset.customerName };
  const settings = {
    title: dataset.title || "Chat with us",
    open: dataset.open === "true",
    speak: dataset.speak !== "false",
    mood: dataset.mood !== "false",
    recording: dataset.recording === "true",
    plainAudio: dataset.plainAudio === "true",
    server: dataset.server || server.href,
    worklet: beside("static/pcm16k.js").href,
    token: dataset.token,
    customer: customer.id || customer.name ? customer : undefined,
  };

  import(beside("static/conversation.js").href)
    .then(({ mount }) => mount(settings))
    .catch((error) => console.error("Hearken could not start:", error));
})();
