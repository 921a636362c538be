/* Lists that change while somebody is using them: what stays keeps its element and its focus. */

/** Makes the children of `parent` show `rows`, in this order. `draw(row, before)` gives the element
 * of a row; `before` is its element of the last time, which it may return with changes. */
export function updateKeyedList(parent, rows, key, draw) {
  const before = new Map([...parent.children].map((child) => [child.dataset.key, child]));
  const focused = parent.contains(document.activeElement) ? document.activeElement : null;
  const place = focused ? [...parent.children].findIndex((child) => child.contains(focused)) : -1;
  const now = rows.map((row) => {
    const element = draw(row, before.get(String(key(row))));
    element.dataset.key = key(row);
    return element;
  });
  for (const child of [...parent.children]) if (!now.includes(child)) child.remove();
  for (const [at, element] of now.entries()) {
    if (parent.children[at] !== element) parent.insertBefore(element, parent.children[at] ?? null);
  }
  if (!focused || document.activeElement === focused) return;
  if (parent.contains(focused)) focused.focus();
  else stops(parent)[Math.min(place, parent.children.length - 1)]?.focus(); // its row is gone
}

const stops = (parent) => [...parent.querySelectorAll("[data-stop]")];

/** Arrows, Home and End go from one row's main button to another's. */
export function moveFocusWithArrows(parent) {
  parent.addEventListener("keydown", (event) => {
    const all = stops(parent);
    const row = event.target.closest("[data-key]");
    const at = all.findIndex((stop) => row?.contains(stop));
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: all.length - 1 }[event.key];
    if (to === undefined || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    all[to]?.focus();
  });
}

export function focusFirst(parent) {
  const chosen = parent.querySelector("[aria-current=true] [data-stop], [data-stop][aria-current=true]");
  (chosen ?? stops(parent)[0])?.focus();
}

/** Sets text only where it changes, so that screen readers and selections are left in peace. */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}
