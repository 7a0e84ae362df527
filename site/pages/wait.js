// Waits for the site: asks now and then, shows the expected end, and opens the site when it is back.

const SECOND = 1000, MINUTE = 60 * SECOND;

// What to ask by HEAD, of a visitor's path. Some links may be used only once, and a server may count HEAD
// as the use: so never the query, and the site's root in the place of a path that has a digit, a capital
// letter or a long part, as secrets have. Two leading slashes would make it another site's address.
const addressToAsk = (path) => /[0-9A-Z]|[^/]{25}|^\/\//.test(path) ? '/' : path;

// Whether HEAD itself seems to be refused, as some servers and firewalls do.
const refusesHead = (status) => [403, 405, 501].includes(status);

// Whether an answer shows that the site is back.
// `waited` is how long the visitor has been looking at this page, in seconds.
function isBack(answer, waited) {
  if (answer.type === 'opaqueredirect') return true;
  // A firewall's refusals are not the site's answer.
  if (answer.status >= 500 || [403, 408, 425, 429].includes(answer.status)) return false;
  // A copy kept from before shows nothing; one made since this page appeared does.
  const age = answer.headers.get('age');
  if (age !== null && Number(age) > 0) return Number(age) < waited;
  return !/^hit/i.test(answer.headers.get('x-cache') || '');
}

// How long to wait before asking again, in milliseconds. Everybody's moment differs, so that a crowd
// does not come back as one. `left` is the time to the expected end, or NaN.
function nextDelay(tries, failures, left, random) {
  const near = left < 2 * MINUTE && left > -10 * MINUTE;
  let wait = 30 * SECOND;
  if (failures > 0) wait = Math.min(wait * 2 ** failures, 5 * MINUTE);
  else if (!near) wait = Math.min(wait * 1.15 ** Math.max(0, tries - 10), 2 * MINUTE);
  return Math.round(wait * (0.8 + 0.4 * random));
}

// What window.json says: { end: milliseconds or NaN, message }, or null if it says nothing usable.
function readWindow(text) {
  let said;
  try { said = text.length <= 4096 ? JSON.parse(text) : null; } catch { return null; }
  if (said === null || typeof said !== 'object' || Array.isArray(said)) return null;
  return { end: readInstant(said.end), message: plainText(said.message) };
}

// The end in the visitor's own words and time zone: { time, detail }.
function describeEnd(end, now, tag, zone) {
  const write = (options) => new Intl.DateTimeFormat(tag, { timeZone: zone, ...options });
  const day = write({ year: 'numeric', month: 'numeric', day: 'numeric' });
  const minutes = Math.ceil((end - now) / MINUTE);
  const relative = new Intl.RelativeTimeFormat(tag);
  const parts = [];
  if (day.format(end) !== day.format(now)) parts.push(write({ weekday: 'long', day: 'numeric', month: 'long' }).format(end));
  parts.push(write({ timeZoneName: 'short' }).formatToParts(end).find((part) => part.type === 'timeZoneName').value);
  parts.push(minutes < 120 ? relative.format(minutes, 'minute')
    : minutes < 48 * 60 ? relative.format(Math.round(minutes / 60), 'hour') : relative.format(Math.round(minutes / 1440), 'day'));
  return { time: write({ timeStyle: 'short' }).format(end), detail: parts.join(' · ') };
}

function waitForSite(language) {
  const at = (id) => document.getElementById(id);
  const show = (id, text) => {
    const element = at(id);
    if (text !== undefined && element.textContent !== text) element.textContent = text;
    element.hidden = text === '';
  };
  const opened = Date.now();
  // Only the page for maintenance has a place for the expected end.
  const planned = at('when') !== null;
  let tries = 0, failures = 0, due = 0, asking = false, skip = 0, known = null, address = addressToAsk(location.pathname), method = 'HEAD';

  // A site that answers the question but not the visitor must not reload for ever: each time in a row
  // waits longer. The store is shared with the site's own scripts and with its other addresses.
  const KEY = 'maintenance-window:reloads';
  const memory = (write) => {
    try {
      if (write) sessionStorage.setItem(KEY, JSON.stringify(write));
      return JSON.parse(sessionStorage.getItem(KEY)) || {};
    } catch { return {}; }
  };
  const last = memory();
  if (last.path === location.pathname && opened - last.at < 10 * MINUTE) failures = last.count;

  // If this page answered a form, a reload would send the form again. This makes it an ordinary visit.
  try { history.replaceState(history.state, '', location.href); } catch { /* then it asks first */ }

  const left = () => known ? known.end - Date.now() : NaN;

  function render() {
    if (!planned) return;
    const ahead = left() > 0;
    at('when').hidden = !ahead;
    if (ahead) {
      const { time, detail } = describeEnd(known.end, Date.now(), language.tag);
      show('time', time);
      at('time').dateTime = new Date(known.end).toISOString();
      show('detail', detail);
    }
    at('late').hidden = !(left() <= 0);
    at('unknown').hidden = !(known && isNaN(known.end));
    show('message', known ? known.message : '');
  }

  async function look() {
    // Where nobody publishes an end there is no use in asking every time.
    if (!planned || skip-- > 0) return;
    try {
      const answer = await fetch('/errors/window.json', { cache: 'no-store', credentials: 'omit' });
      const found = answer.ok ? readWindow(await answer.text()) : null;
      if (!found) skip = 3;
      const before = known && known.end;
      known = found;
      if (found) {
        document.querySelector('h1').textContent = document.title = at('planned').textContent;
        document.querySelector('.lead').textContent = at('plannedLead').textContent;
      }
      render();
      // Said aloud only when it changed, never on every tick of the countdown.
      if (found && before && before !== found.end && left() > 0) at('said').textContent = at('expected').textContent + ': ' + at('time').textContent;
    } catch {
      // Whatever goes wrong in showing the end, the waiting goes on.
    }
  }

  // With a query that no copy at the edge has: one from before the window would say nothing for hours.
  const put = () => fetch(address + '?maintenance-check=' + Date.now(), { method, cache: 'no-store', redirect: 'manual' });

  async function ask() {
    if (asking) return;
    asking = true;
    tries++;
    try {
      let answer = await put();
      if (method === 'HEAD' && refusesHead(answer.status)) {
        address = '/';
        method = 'GET';
        answer = await put();
      }
      // The head of the answer says enough.
      if (answer.body) answer.body.cancel();
      if (isBack(answer, (Date.now() - opened) / SECOND)) {
        at('said').textContent = at('back').textContent;
        memory({ path: location.pathname, at: Date.now(), count: failures + 1 });
        setTimeout(() => location.reload(), SECOND + 2 * SECOND * Math.random());
        return;
      }
      failures = answer.status === 429 ? failures + 1 : Math.max(0, failures - 1);
      await look();
    } catch {
      failures++;
    }
    asking = false;
    plan();
  }

  function plan() {
    const delay = nextDelay(tries, failures, left(), Math.random());
    due = Date.now() + delay;
    setTimeout(() => { if (!document.hidden) ask(); }, delay);
  }

  // A page in the background does not ask; it does as soon as somebody looks at it again.
  document.addEventListener('visibilitychange', () => {
    if (document.hidden) return;
    render();
    if (due && Date.now() >= due) ask();
  });

  at('checks').hidden = false;
  look().then(plan);
  setInterval(render, 10 * SECOND);
}

if (language) waitForSite(language);
