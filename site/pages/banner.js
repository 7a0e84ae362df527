// Tells visitors of planned maintenance beforehand, on the pages of the application:
//   <script src="/errors/banner.js" async></script>
// It asks its own site for /errors/upcoming.json and nobody else for anything. It needs no more than script-src,
// connect-src and, where that is restricted, trusted types of 'self': its style is made by CSSOM, which no policy
// forbids. Whatever goes wrong, the page goes on as if it were not there.

const MINUTE = 60 * 1000;

// What upcoming.json says: [{ key, start, end, message }], soonest first; nothing if it says nothing usable.
// The key is another one whenever a window's times are others, so that a notice that was dismissed comes back.
function readUpcoming(text) {
  let said;
  try { said = text.length <= 65536 ? JSON.parse(text) : null; } catch { return []; }
  if (said === null || typeof said !== 'object' || !Array.isArray(said.windows)) return [];
  return said.windows.filter((one) => one !== null && typeof one === 'object').map((one) => {
    const [start, end] = [readInstant(one.start), readInstant(one.end)];
    return { key: [plainText(one.uid), start, end].join(' '), start, end, message: plainText(one.message) };
  }).filter(({ start, end }) => start === start && !(end <= start)).sort((one, other) => one.start - other.start);
}

// The one to show now: the soonest that is not over and that nobody dismissed.
const toShow = (windows, dismissed, now) => windows.find(({ key, end }) => !(end <= now) && !dismissed.includes(key)) || null;

// When it is, in the visitor's own words and time zone.
function describeSpan(start, end, tag, zone) {
  const write = (options) => new Intl.DateTimeFormat(tag, { timeZone: zone, weekday: 'long', day: 'numeric', month: 'long', hour: 'numeric', minute: '2-digit', timeZoneName: 'short', ...options });
  const format = write();
  if (end !== end) return format.format(start);
  return format.formatRange ? format.formatRange(start, end) : `${format.format(start)} – ${format.format(end)}`;
}

// How long until the next question, in milliseconds: five minutes or so, each visitor's moment another, and ever longer
// where there is nothing to read.
const nextLook = (failures, random) => Math.round(Math.min(5 * MINUTE * 2 ** failures, 60 * MINUTE) * (0.8 + 0.4 * random));

function showBanner(language, words, dir, style) {
  const KEY = 'maintenance-window:dismissed';
  const known = document.querySelector('[data-maintenance-window]');
  // The script may be on a page twice.
  if (known) return;
  let windows = [], failures = 0, due = 0, asking = false, shown = '';
  let dismissed = [];
  // The store may be forbidden; then a notice is dismissed for this page only.
  const memory = (write) => {
    try {
      if (write) localStorage.setItem(KEY, JSON.stringify(write));
      const read = JSON.parse(localStorage.getItem(KEY));
      if (Array.isArray(read)) dismissed = read.map(String);
    } catch { if (write) dismissed = write; }
  };

  const make = (name, text) => {
    const element = document.createElement(name);
    if (text) element.textContent = text;
    return element;
  };
  const host = make('div');
  host.dataset.maintenanceWindow = '';
  host.hidden = true;
  // The page's own style reaches nothing in here, nor this one anything out there.
  const root = host.attachShadow({ mode: 'open' });
  const section = make('section'), box = make('div'), what = make('p'), message = make('p'), button = make('button', words.dismiss);
  section.lang = language.code;
  section.dir = dir;
  section.setAttribute('aria-label', words.soon);
  button.type = 'button';
  // It is read out when it appears and when it changes, once whatever is being said has ended.
  box.setAttribute('role', 'status');
  // Nobody says in which language the operator wrote, so the notice must not claim its own.
  message.lang = '';
  message.dir = 'auto';
  box.append(what, message);
  section.append(box, button);
  root.append(section);
  try {
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(style);
    root.adoptedStyleSheets = [sheet];
  } catch { /* then it is plain */ }

  // An application may make its whole body anew, and the notice with it.
  const put = () => {
    if (!host.isConnected) (document.querySelector('[data-maintenance-banner]') || document.body).prepend(host);
  };

  function render() {
    const now = Date.now();
    const next = toShow(windows, dismissed, now);
    host.hidden = !next;
    put();
    const text = next ? `${words.soon}: ${describeSpan(next.start, next.end, language.tag)}` : '';
    const more = next ? next.message : '';
    if (shown === text + more) return;
    shown = text + more;
    what.textContent = text;
    message.textContent = more;
    message.hidden = !more;
  }

  button.addEventListener('click', () => {
    const next = toShow(windows, dismissed, Date.now());
    memory();
    // What is no longer announced is forgotten.
    if (next) memory(dismissed.filter((key) => windows.some((one) => one.key === key)).concat(next.key));
    render();
  });

  async function look() {
    if (asking) return;
    asking = true;
    try {
      const answer = await fetch('/errors/upcoming.json', { credentials: 'omit' });
      // Where nothing is published the answer is an error, or some page.
      if (!answer.ok) throw new Error(answer.status);
      windows = readUpcoming(await answer.text());
      failures = 0;
      memory();
    } catch {
      failures++;
    }
    asking = false;
    due = Date.now() + nextLook(failures, Math.random());
  }

  const tick = () => {
    // A page in the background does not ask; it does as soon as somebody looks at it again.
    const asks = !document.hidden && Date.now() >= due ? look() : Promise.resolve();
    asks.then(render).catch(() => {});
  };

  put();
  tick();
  setInterval(tick, MINUTE / 2);
  document.addEventListener('visibilitychange', tick);
  // Dismissed in another tab, it is dismissed here.
  addEventListener('storage', () => { memory(); tick(); });
}

// STYLE and WORDS are written before this by the build.
function start() {
  try {
    const language = pickLanguage([].concat(navigator.languages || [], navigator.language || []), Object.keys(WORDS));
    const { dir, words } = WORDS[language.code];
    showBanner(language, words, dir, STYLE);
  } catch { /* then there is no notice */ }
}

if (typeof document !== 'undefined') {
  // Until the page is read to its end, the place for the notice may be missing.
  if (document.readyState !== 'loading') start();
  else document.addEventListener('DOMContentLoaded', start);
}
