(() => {
'use strict';
const WORDS = {"en":{"dir":"ltr","words":{"soon":"Planned maintenance","dismiss":"Dismiss"}},"de":{"dir":"ltr","words":{"soon":"Geplante Wartung","dismiss":"Hinweis schließen"}},"fr":{"dir":"ltr","words":{"soon":"Maintenance prévue","dismiss":"Fermer l’avis"}},"ar":{"dir":"rtl","words":{"soon":"صيانة مخطط لها","dismiss":"إغلاق الإشعار"}}};
const STYLE = ":host{--paper:#f5f3ed;--ink:#22211e;--mark:#9a3b1e;display:block;color-scheme:light dark}@media (prefers-color-scheme:dark){:host{--paper:#171817;--ink:#ece9e1;--mark:#eb9a72}}:host([hidden]){display:none}section{all:initial;color-scheme:light dark;display:flex;flex-wrap:wrap;align-items:center;gap:.5rem 1.5rem;padding:.75rem 1.25rem;border-block-end:2px solid var(--mark);background:var(--paper);color:var(--ink);font:1rem/1.5 system-ui,-apple-system,\"Segoe UI\",Roboto,\"Noto Sans\",\"Noto Sans Arabic\",sans-serif;text-align:start;overflow-wrap:anywhere}div{flex:1 1 18rem}p{margin:0}button{min-height:2.75rem;padding:.25rem 1.25rem;border:1px solid;border-radius:99rem;background:none;color:inherit;font:inherit;cursor:pointer}button:hover{background:var(--ink);border-color:var(--ink);color:var(--paper)}button:focus-visible{outline:3px solid var(--mark);outline-offset:2px}";
function pickLanguage(preferred, known) {
for (const name of [].concat(preferred || [])) {
const code = String(name).toLowerCase().split(/[-_@.]/)[0];
if (known.includes(code)) return { code, tag: usableTag(String(name), code) };
}
return { code: 'en', tag: 'en' };
}
function usableTag(tag, code) {
try { return Intl.DateTimeFormat.supportedLocalesOf(tag)[0] || code; } catch { return code; }
}
const readInstant = (text) => /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)$/i.test(text) ? Date.parse(text) : NaN;
const plainText = (text) => typeof text === 'string' ? Array.from(text.replace(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff]/g, '').trim()).slice(0, 300).join('') : '';
const MINUTE = 60 * 1000;
function readUpcoming(text) {
let said;
try { said = text.length <= 65536 ? JSON.parse(text) : null; } catch { return []; }
if (said === null || typeof said !== 'object' || !Array.isArray(said.windows)) return [];
return said.windows.filter((one) => one !== null && typeof one === 'object').map((one) => {
const [start, end] = [readInstant(one.start), readInstant(one.end)];
return { key: [plainText(one.uid), start, end].join(' '), start, end, message: plainText(one.message) };
}).filter(({ start, end }) => start === start && !(end <= start)).sort((one, other) => one.start - other.start);
}
const toShow = (windows, dismissed, now) => windows.find(({ key, end }) => !(end <= now) && !dismissed.includes(key)) || null;
function describeSpan(start, end, tag, zone) {
const write = (options) => new Intl.DateTimeFormat(tag, { timeZone: zone, weekday: 'long', day: 'numeric', month: 'long', hour: 'numeric', minute: '2-digit', timeZoneName: 'short', ...options });
const format = write();
if (end !== end) return format.format(start);
return format.formatRange ? format.formatRange(start, end) : `${format.format(start)} – ${format.format(end)}`;
}
const nextLook = (failures, random) => Math.round(Math.min(5 * MINUTE * 2 ** failures, 60 * MINUTE) * (0.8 + 0.4 * random));
function showBanner(language, words, dir, style) {
const KEY = 'maintenance-window:dismissed';
const known = document.querySelector('[data-maintenance-window]');
if (known) return;
let windows = [], failures = 0, due = 0, asking = false, shown = '';
let dismissed = [];
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
const root = host.attachShadow({ mode: 'open' });
const section = make('section'), box = make('div'), what = make('p'), message = make('p'), button = make('button', words.dismiss);
section.lang = language.code;
section.dir = dir;
section.setAttribute('aria-label', words.soon);
button.type = 'button';
box.setAttribute('role', 'status');
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
if (next) memory(dismissed.filter((key) => windows.some((one) => one.key === key)).concat(next.key));
render();
});
async function look() {
if (asking) return;
asking = true;
try {
const answer = await fetch('/errors/upcoming.json', { credentials: 'omit' });
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
const asks = !document.hidden && Date.now() >= due ? look() : Promise.resolve();
asks.then(render).catch(() => {});
};
put();
tick();
setInterval(tick, MINUTE / 2);
document.addEventListener('visibilitychange', tick);
addEventListener('storage', () => { memory(); tick(); });
}
function start() {
try {
const language = pickLanguage([].concat(navigator.languages || [], navigator.language || []), Object.keys(WORDS));
const { dir, words } = WORDS[language.code];
showBanner(language, words, dir, STYLE);
} catch { /* then there is no notice */ }
}
if (typeof document !== 'undefined') {
if (document.readyState !== 'loading') start();
else document.addEventListener('DOMContentLoaded', start);
}
})();
