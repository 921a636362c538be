/* The widget's looks. Colours are named by what they are for; both palettes meet WCAG AA
 * (held by test_widget.py). A page may set --hearken-accent and --hearken-on-accent. */
export const sheet = new CSSStyleSheet();

sheet.replaceSync(`
:host {
  all: initial;
  --surface: #ffffff;
  --raised: #f3f6f3;
  --line: #d5ddd7;
  --edge: #7c8b83;
  --text: #18211d;
  --quiet: #55635c;
  --accent: var(--hearken-accent, #17604f);
  --on-accent: var(--hearken-on-accent, #ffffff);
  --theirs: #eaf1ed;
  --person: #fbeedb;
  --person-text: #6b3f07;
  --problem: #fbe9e6;
  --problem-text: #8f2414;
  --live: #c22f1d;
  --focus: #1f5fd6;
  --shadow: 0 18px 50px rgb(15 30 24 / .22), 0 2px 8px rgb(15 30 24 / .10);
  color-scheme: light dark;
  font: 15px/1.45 -apple-system, BlinkMacSystemFont, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif;
  color: var(--text);
}
@media (prefers-color-scheme: dark) {
  :host {
    --surface: #141b18;
    --raised: #1c2521;
    --line: #303c36;
    --edge: #75867d;
    --text: #e9f0ec;
    --quiet: #a3b3aa;
    --accent: var(--hearken-accent, #7dd3b4);
    --on-accent: var(--hearken-on-accent, #062019);
    --theirs: #222d28;
    --person: #3a2d18;
    --person-text: #f6d9a8;
    --problem: #3c201b;
    --problem-text: #ffb8aa;
    --live: #ff7a66;
    --focus: #8ab4ff;
    --shadow: 0 18px 50px rgb(0 0 0 / .55), 0 0 0 1px #303c36;
  }
}
@media (prefers-contrast: more) {
  :host { --line: var(--edge); --quiet: var(--text); }
}
*, *::before, *::after { box-sizing: border-box; }
[hidden] { display: none !important; }
p, h2, h3 { margin: 0; }
.unseen { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }

svg { width: 20px; height: 20px; display: block; flex: none; }
path { fill: none; stroke: currentColor; stroke-width: 1.7; stroke-linecap: round; stroke-linejoin: round; }

button { font: inherit; color: inherit; background: none; border: 0; padding: 0; cursor: pointer; }
:focus-visible { outline: 3px solid var(--focus); outline-offset: 2px; }
.panel:focus { outline: none; }
.scroller:focus-visible { outline-offset: -3px; }
button.icon {
  width: 40px; height: 40px; border-radius: 12px; display: grid; place-items: center; flex: none;
  color: var(--quiet); transition: background .15s;
}
button.icon:hover { background: var(--raised); color: var(--text); }
button.link { color: var(--quiet); text-decoration: underline; text-underline-offset: 3px; font-size: 13px; padding: 6px 4px; }
button.link:hover { color: var(--text); }

.launcher {
  position: fixed; right: 24px; bottom: 24px; z-index: 2147483000;
  display: flex; align-items: center; gap: 10px; min-height: 54px; max-width: calc(100vw - 32px);
  padding: 0 22px 0 18px; border-radius: 27px;
  background: var(--accent); color: var(--on-accent); font-weight: 600; box-shadow: var(--shadow);
  border: 1px solid transparent; /* forced colours show it */
  transition: transform .15s;
}
.launcher:hover { transform: translateY(-2px); }
.launcher svg { width: 24px; height: 24px; }
.launcher .label { overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.badge {
  position: absolute; top: -5px; right: -2px; min-width: 22px; height: 22px; padding: 0 6px; border-radius: 11px;
  background: var(--live); color: var(--surface); font-size: 13px; line-height: 22px; text-align: center;
}

.panel {
  position: fixed; right: 24px; bottom: 24px; z-index: 2147483000;
  width: 390px; height: min(680px, calc(100vh - 48px));
  display: flex; flex-direction: column; overflow: hidden;
  background: var(--surface); border-radius: 20px; box-shadow: var(--shadow);
  animation: rise .2s ease-out;
}
@keyframes rise { from { opacity: 0; transform: translateY(12px); } }

header { display: flex; align-items: center; gap: 4px; padding: 14px 10px 12px 16px; }
header .mark {
  width: 40px; height: 40px; border-radius: 12px; display: grid; place-items: center; flex: none;
  background: var(--accent); color: var(--on-accent); margin-right: 8px;
}
.heading { flex: 1; min-width: 0; }
h2 { font-size: 16px; font-weight: 650; line-height: 1.25; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.heading p { font-size: 13px; color: var(--quiet); }
.heading p[data-tone="problem"] { color: var(--problem-text); }

.mood {
  display: flex; align-items: baseline; justify-content: space-between; flex-wrap: wrap; gap: 6px 10px; padding: 8px 16px 12px;
  border-block: 1px solid var(--line); font-size: 12.5px; color: var(--quiet);
}
.mood .words { color: var(--text); font-weight: 600; }
.meter {
  position: relative; width: 100%; height: 6px; border-radius: 3px; flex: none;
  background: linear-gradient(90deg, var(--live), var(--line) 50%, var(--accent));
}
.meter .marker {
  position: absolute; top: -4px; left: calc(var(--at, .5) * 100% - 4px); width: 8px; height: 14px; border-radius: 4px;
  background: var(--text); border: 2px solid var(--surface); transition: left .4s;
}
.meter.unknown { background: none; border: 1px dashed var(--edge); }
.meter.unknown .marker { display: none; }

.handoff { display: flex; gap: 10px; align-items: center; font-size: 14px; color: var(--person-text); background: var(--person); }
.handoff:not(:empty) { padding: 10px 16px; }

.scroller { flex: 1; min-height: 0; overflow-y: auto; scrollbar-width: thin; scrollbar-color: var(--edge) transparent; overscroll-behavior: contain; padding: 16px; }
.log { display: flex; flex-direction: column; gap: 10px; }
.line { position: relative; max-width: 86%; align-self: flex-start; animation: rise .2s ease-out; }
.line p, .partial {
  padding: 9px 14px; border-radius: 16px; white-space: pre-wrap; overflow-wrap: anywhere; width: fit-content; max-width: 100%;
}
.line .name { display: block; font-size: 12.5px; font-weight: 600; color: var(--person-text); margin: 0 0 3px 4px; }
.line .note { display: block; font-size: 12.5px; color: var(--quiet); margin: 3px 4px 0; }
.assistant p { background: var(--theirs); border-bottom-left-radius: 5px; }
.person p { background: var(--person); color: var(--person-text); border-bottom-left-radius: 5px; }
.customer { align-self: flex-end; }
.customer p { background: var(--accent); color: var(--on-accent); border-bottom-right-radius: 5px; margin-left: auto; }
.customer .note { text-align: right; }
.notice, .problem { align-self: center; max-width: 94%; text-align: center; font-size: 13.5px; }
.notice p { color: var(--quiet); padding: 4px 8px; }
.problem p { background: var(--problem); color: var(--problem-text); border-radius: 12px; }
.partial { margin: 10px 0 0 auto; max-width: 86%; border: 1.5px dashed var(--edge); color: var(--quiet); font-style: italic; border-bottom-right-radius: 5px; }

.suggestions { display: flex; flex-wrap: wrap; gap: 8px; margin-top: 12px; }
.suggestions button {
  padding: 7px 14px; min-height: 36px; border-radius: 18px; border: 1.5px solid var(--accent); color: var(--accent);
  background: var(--surface); font-size: 14px; font-weight: 550; text-align: left;
}
.suggestions button:hover { background: var(--accent); color: var(--on-accent); }

.consent { padding: 16px; border-top: 1px solid var(--line); background: var(--raised); font-size: 14px; overflow-y: auto; }
.consent h3 { font-size: 15px; margin-bottom: 2px; }
.consent > p { color: var(--quiet); }
.consent label { display: flex; gap: 10px; margin-top: 12px; cursor: pointer; }
.consent input { width: 20px; height: 20px; margin: 1px 0 0; accent-color: var(--accent); flex: none; }
.consent strong { display: block; font-weight: 600; }
.consent small { font-size: 13px; color: var(--quiet); }
.choices { display: flex; gap: 10px; margin-top: 16px; }
.choices button { min-height: 40px; padding: 0 18px; border-radius: 12px; border: 1.5px solid var(--edge); font-weight: 600; }
.choices button.primary { background: var(--accent); border-color: var(--accent); color: var(--on-accent); }

.voice {
  display: flex; flex-wrap: wrap; align-items: center; gap: 2px 10px; padding: 8px 16px; border-top: 1px solid var(--line);
  background: var(--raised); font-size: 13px;
}
.dot { width: 10px; height: 10px; border-radius: 50%; background: var(--live); animation: breathe 1.6s infinite; }
@keyframes breathe { 50% { opacity: .35; } }
.listening { font-weight: 600; color: var(--live); }
.level { flex: 1; min-width: 40px; height: 6px; border-radius: 3px; background: var(--line); overflow: hidden; }
.level span {
  display: block; height: 100%; border-radius: 3px; background: var(--live); transform-origin: left;
  transform: scaleX(var(--level, 0));
}
.agreed { flex: 1 1 60%; color: var(--quiet); }
.voice .link { padding: 2px 0; }

.composer { display: flex; align-items: flex-end; gap: 6px; padding: 12px 12px 6px; border-top: 1px solid var(--line); }
.voice + .composer { border-top: 0; }
.live .composer { background: var(--raised); }
textarea {
  flex: 1; min-width: 0; max-height: 110px; resize: none; font: inherit; font-size: 16px; /* below 16 px, iOS zooms in */
  color: inherit; background: var(--surface);
  border: 1.5px solid var(--edge); border-radius: 14px; padding: 7px 12px; line-height: 25px; min-height: 42px;
  overflow-y: auto; scrollbar-width: none;
}
textarea::placeholder { color: var(--quiet); opacity: 1; }
.composer .icon { width: 42px; height: 42px; }
.microphone[aria-pressed="true"] { background: var(--live); color: var(--surface); }
.microphone[aria-pressed="true"]:hover { background: var(--live); color: var(--surface); filter: brightness(.92); }
.microphone[aria-pressed="true"] path { fill: currentColor; }
button.send, button.send:hover { background: var(--accent); color: var(--on-accent); }

footer { display: flex; align-items: center; justify-content: space-between; padding: 2px 14px 10px 12px; }
.live footer { background: var(--raised); }
.person-button { display: flex; align-items: center; gap: 6px; min-height: 36px; padding: 0 8px; border-radius: 10px; font-size: 14px; font-weight: 600; color: var(--accent); }
.person-button:hover { background: var(--theirs); }

@media (max-width: 480px) {
  .launcher { right: 16px; bottom: 16px; }
  .panel { inset: 0; width: auto; height: 100dvh; border-radius: 0; box-shadow: none; }
  header { padding: 10px 6px 10px 14px; gap: 0; }
  header .mark { width: 34px; height: 34px; border-radius: 10px; }
  header button.icon { width: 38px; }
  h2 { font-size: 15px; }
}
@media (max-height: 520px) and (min-width: 481px) {
  .panel { bottom: 8px; height: calc(100vh - 16px); }
}
@media (prefers-reduced-motion: reduce) {
  *, *::before, *::after { animation: none !important; transition: none !important; }
}
@media (forced-colors: active) {
  .panel, .line p, .partial, .badge, button.icon { border: 1px solid CanvasText; }
  .meter, .level { border: 1px solid CanvasText; }
  .meter .marker, .level span, .dot { background: Highlight; forced-color-adjust: none; }
  .microphone[aria-pressed="true"] { border: 3px solid Highlight; }
}
`);
