/* Who is at this console: a name and a token, kept until the tab is closed.
 *
 * A server that only this machine can reach prints a link with a token in its fragment. The token
 * is taken from the address at once, so that it is in no history or bookmark, and only the name is
 * asked for.
 */
const NAME = "hearken-console-name";
const TOKEN = "hearken-console-token";
const byId = (id) => document.getElementById(id);

/** The token in the address, which then has none any more; "" when there is none. */
function takeTokenFromAddress() {
  const token = new URLSearchParams(location.hash.slice(1)).get("token") ?? "";
  if (token) history.replaceState(null, "", location.pathname + location.search);
  return token;
}

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
    // The link may be opened in a tab that shows the login already.
    addEventListener("hashchange", () => this.#isAsking() && this.start());
  }

  start() {
    const linked = takeTokenFromAddress();
    if (linked) sessionStorage.setItem(TOKEN, linked);
    const [name, token] = [sessionStorage.getItem(NAME), sessionStorage.getItem(TOKEN)];
    if (name && token) {
      this.enter(name, token);
      return;
    }
    this.#askForToken(!token);
    byId("login-token").value = token ?? "";
    this.#focus();
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
    this.#askForToken(true);
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

  #isAsking() {
    return !byId("login").hidden && !byId("login-button").disabled;
  }

  #askForToken(asked) {
    byId("login-token-part").hidden = !asked;
  }

  #focus() {
    byId(byId("login-name").value ? "login-token" : "login-name").focus();
  }
}
