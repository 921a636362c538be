/* Who is at this console: a name and a token, kept until the tab is closed. */
const NAME = "hearken-console-name";
const TOKEN = "hearken-console-token";
const byId = (id) => document.getElementById(id);

export class Login {
  /** `enter(name, token)` is called when somebody logs in, or at once when this tab knows who. */
  constructor(enter) {
    this.enter = enter;
    byId("login-form").addEventListener("submit", (event) => {
      event.preventDefault();
      const [name, token] = [byId("login-name").value.trim(), byId("login-token").value];
      if (!name || !token) return;
      sessionStorage.setItem(NAME, name);
      sessionStorage.setItem(TOKEN, token);
      this.enter(name, token);
    });
    byId("login-name").value = sessionStorage.getItem(NAME) ?? "";
  }

  start() {
    const [name, token] = [sessionStorage.getItem(NAME), sessionStorage.getItem(TOKEN)];
    if (name && token) this.enter(name, token);
    else this.#focus();
  }

  busy(words) {
    byId("login-button").disabled = Boolean(words);
    byId("login-button").textContent = words || "Log in";
  }

  problem(sentence) {
    byId("login-problem").hidden = !sentence;
    byId("login-problem").textContent = sentence;
  }

  /** Nobody is at this console any more; `sentence` says why, if it was not their wish. */
  leave(sentence = "") {
    sessionStorage.removeItem(TOKEN);
    byId("login-token").value = "";
    byId("login").hidden = false;
    byId("desk").hidden = true;
    this.busy("");
    this.problem(sentence);
    this.#focus();
  }

  done() {
    byId("login").hidden = true;
    byId("desk").hidden = false;
    byId("login-token").value = "";
    this.busy("");
    this.problem("");
  }

  #focus() {
    byId(byId("login-name").value ? "login-token" : "login-name").focus();
  }
}
