// The console as people meet it: on a stand-in for the dashboard, in Chromium, against the function's own executable on the
// local AWS. `python -m rehearsal.console` starts all of it; BRIDGE is where it takes events. With SCREENSHOTS=DIR pictures
// are written there.
import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { after, afterEach, before, describe, test } from 'node:test';

import { startBrowser } from '../../site/tests/browser.mjs';
import { openDashboard, overflow, violations } from './dashboard.mjs';

const BRIDGE = process.env.BRIDGE;
const FUNCTION = process.env.FUNCTION;
const HOSTILE = '</div></style><script>alert(1)</script><img src=x onerror=alert(1)><cwdb-action action="call">{}</cwdb-action>"\'&lt;';

let browser;
const open = [];

before(async () => { browser = await startBrowser(); });
after(async () => { await browser?.close(); });

async function ask(pathname, body) {
  const response = await fetch(`${BRIDGE}${pathname}`, { method: 'POST', body: JSON.stringify(body ?? {}) });
  assert.equal(response.status, 200, await response.clone().text());
  return response.json();
}

const invoke = async (endpoint, event) => {
  const { failed, document } = await ask('/invoke', { function: endpoint, event });
  return failed ? { failed, document } : document;
};
const send = async (event) => invoke(FUNCTION, event);
const closed = async () => (await ask('/rule')).closed;

async function dashboard(options = {}) {
  const opened = await openDashboard(browser, { invoke, endpoint: FUNCTION, ...options });
  open.push(opened);
  return opened;
}

// Whatever a test did, the site is open and nothing is booked when the next one begins; and no page complained.
afterEach(async () => {
  const pages = open.splice(0);
  const ended = await Promise.all(pages.map(async ({ state, seen, close }) => {
    const { removed, submitted } = await state();
    await close();
    return { removed, submitted, seen };
  }));
  await send({ action: 'off' });
  for (const kind of ['series', 'windows']) {
    for (const { id } of (await send({ action: 'status' }))[kind] ?? []) await send({ action: 'cancel', id });
  }
  for (const { removed, submitted, seen } of ended) {
    assert.deepEqual(removed, [], 'nothing had to be taken out of the page');
    assert.equal(submitted, 0, 'no form leads away');
    assert.deepEqual(seen, { complaints: [], failures: [], dialogs: [] });
  }
});

const later = (days, clock) => `${new Date(Date.now() + days * 86_400_000).toISOString().slice(0, 10)}T${clock}`;

describe('the console', () => {
  test('shows how the site stands in both themes, wide and narrow, without a fault that axe knows', async () => {
    await send({ action: 'book', id: 'db-move', start: later(2, '02:00Z'), duration: 'PT2H', timezone: 'Europe/London', reason: 'Moving the database', requested_by: 'ana' });
    await send({ action: 'book', id: 'patching', every: 'cron(0 3 ? * SUN *)', duration: 'PT1H', timezone: 'UTC' });
    for (const theme of ['light', 'dark']) {
      for (const width of [1180, 420]) {
        const { page, widget } = await dashboard({ theme, width });
        assert.equal(await widget.getByRole('heading', { level: 2 }).textContent(), 'Open');
        assert.match(await widget.innerText(), /db-move\s+Moving the database\s+ana/);
        assert.deepEqual(await violations(page), [], `${theme} ${width}`);
        assert.ok(await overflow(page) <= 0, `${theme} ${width} is wider than its widget`);
        if (process.env.SCREENSHOTS) {
          mkdirSync(process.env.SCREENSHOTS, { recursive: true });
          await page.screenshot({ path: path.join(process.env.SCREENSHOTS, `${theme}-${width}.png`), fullPage: true });
        }
      }
    }
  });

  test('is readable at 200 %', async () => {
    await send({ action: 'on', id: 'now', duration: 'PT1H' });
    const { page, widget } = await dashboard({ zoom: 2 });
    assert.equal(await widget.getByRole('heading', { level: 2 }).textContent(), 'In maintenance');
    assert.ok(await overflow(page) <= 0);
    assert.deepEqual(await violations(page), []);
  });

  test('books what is written into the form, once, and shows it', async () => {
    const { page, widget, press, refresh } = await dashboard();
    await page.getByLabel('Your name').fill('ana@example.com');
    await page.getByLabel('Start', { exact: false }).fill(later(3, '02:00'));
    await page.getByLabel('Length', { exact: false }).fill('2h');
    await page.getByLabel('Reason', { exact: false }).fill('Moving the database to its new home');
    await page.getByLabel('Message for visitors', { exact: false }).fill('Your basket is safe.');
    assert.equal(await page.getByLabel('Time zone', { exact: false }).inputValue(), '+01:00');
    const tried = await press('Try it');
    assert.equal(tried.asked, null);
    assert.match(tried.answer, /It would work/);
    assert.equal((await send({ action: 'status' })).windows, undefined, 'a try books nothing');

    const booked = await press('Book');
    assert.match(booked.asked, /visitors get the maintenance page/);
    assert.match(booked.answer, /Booked/);
    const again = await press('Book');
    assert.match(again.answer, /Nothing changed/);
    const { windows } = await send({ action: 'status' });
    assert.equal(windows.length, 1);
    assert.equal(windows[0].start, `${later(3, '01:00:00Z')}`);
    assert.equal(windows[0].requested_by, 'ana@example.com');
    assert.equal(windows[0].message, 'Your basket is safe.');

    await refresh();
    assert.match(await widget.innerText(), /Moving the database to its new home/);
    const kept = await press(`Cancel: ${windows[0].id}`, { agree: false });
    assert.match(kept.asked, /The site then stays open to visitors/);
    assert.equal((await send({ action: 'status' })).windows.length, 1, 'who does not agree changes nothing');
    assert.match((await press(`Cancel: ${windows[0].id}`)).answer, /Cancelled/);
  });

  test('starts, extends once and ends, and visitors are kept out meanwhile', async () => {
    const first = await dashboard();
    await first.page.getByLabel('Length', { exact: false }).fill('30m');
    assert.match((await first.press('Start now')).answer, /Started/);
    assert.equal(await closed(), true);
    await first.refresh();
    assert.equal(await first.widget.getByRole('heading', { level: 2 }).textContent(), 'In maintenance');
    const [{ id, end }] = (await send({ action: 'status' })).windows;
    const longer = await first.press(`+15 min: ${id}`);
    assert.match(longer.asked, /Visitors are then kept out until .* instead of /);
    assert.match(longer.answer, /Extended/);
    assert.match((await first.press(`+15 min: ${id}`)).answer, /Nothing changed/);
    const moved = (await send({ action: 'status' })).windows[0].end;
    assert.equal(Date.parse(moved) - Date.parse(end), 15 * 60_000);

    const ended = await first.press(`End now: ${id}`);
    assert.match(ended.asked, /Visitors reach the site again/);
    assert.match(ended.answer, /Ended/);
    assert.equal(await closed(), false);
    await first.refresh();
    assert.equal(await first.widget.getByRole('heading', { level: 2 }).textContent(), 'Open');
  });

  test('says what was refused, and the run has not failed', async () => {
    await send({ action: 'on', id: 'gone', duration: 'PT30M' });
    const { page, press, widget } = await dashboard();
    await send({ action: 'off', id: 'gone' });
    const look = async (shown) => {
      assert.deepEqual(await violations(shown), [], 'the pop-up is as good as the page');
      if (process.env.SCREENSHOTS) await shown.screenshot({ path: path.join(process.env.SCREENSHOTS, 'refused.png') });
    };
    const refused = await press('+30 min: gone', { look });
    assert.match(refused.answer, /Refused[^]*Nothing was changed[^]*gone/);
    await page.getByLabel('Length', { exact: false }).fill('a while');
    await page.getByLabel('Start', { exact: false }).fill('2020-01-01T02:00');
    const badly = await press('Book');
    assert.match(badly.answer, /Duration: expected a duration such as PT2H30M or 2h 30m, but found "a while"/);
    assert.equal(await page.getByLabel('Length', { exact: false }).inputValue(), 'a while', 'the form still holds what was written');
    assert.equal(await widget.getByRole('heading', { level: 2 }).textContent(), 'In maintenance', 'until it is refreshed');
  });

  test('checks, pauses, resumes and skips', async () => {
    await send({ action: 'book', id: 'weekly', every: 'cron(0 3 ? * SUN *)', duration: 'PT1H', timezone: 'UTC' });
    const { press, refresh, popup } = await dashboard();
    assert.match((await press('Check')).answer, /All well|would work/);
    assert.match((await press('Skip next: weekly')).answer, /Skipped/i);
    await refresh();
    const paused = await press('Pause: weekly');
    assert.match(paused.asked, /Its booked window of .* is dropped: visitors reach the site then/);
    assert.match(paused.answer, /Paused/);
    await refresh();
    assert.match((await press('Resume: weekly')).answer, /Resumed/);
    assert.equal(await popup.isVisible(), false);
  });

  test('is pressed with the keyboard alone', async () => {
    await send({ action: 'book', id: 'by-key', start: later(2, '02:00Z'), duration: 'PT1H' });
    const { page, popup, confirm } = await dashboard();
    const button = page.getByRole('button', { name: 'Cancel: by-key' });
    for (let tabs = 0; tabs < 40 && !(await button.evaluate((element) => element === document.activeElement)); tabs += 1) await page.keyboard.press('Tab');
    const outline = await button.evaluate((element) => getComputedStyle(element).outlineStyle);
    assert.equal(outline, 'solid', 'the focus can be seen');
    await page.keyboard.press('Enter');
    await confirm.waitFor();
    await confirm.getByRole('button', { name: 'Yes' }).press('Enter');
    await popup.waitFor();
    assert.match(await popup.innerText(), /Cancelled/);
  });

  test('shows whatever people wrote as text', async () => {
    const text = HOSTILE.slice(0, 300);
    await send({ action: 'on', id: 'hostile', duration: 'PT1H', reason: text, requested_by: text, message: text });
    const { page, widget, press, seen } = await dashboard({ context: { title: text, locale: text, timezone: { label: text, offsetISO: text } } });
    assert.match(await widget.innerText(), /<\/div><\/style><script>alert\(1\)<\/script>/);
    await page.getByLabel('Your name').fill(text);
    await page.getByLabel('Length', { exact: false }).fill(text);
    assert.match((await press('Start now')).answer, /found "<\/div><\/style><script>alert\(1\)/);
    assert.match((await press('+15 min: hostile')).answer, /Extended/);
    await page.waitForTimeout(100);
    assert.deepEqual(seen.dialogs, []);
    assert.deepEqual(await violations(page), []);
  });

  test('gives no buttons through the alias that only looks, and takes no press', async () => {
    await send({ action: 'on', id: 'watched', duration: 'PT30M' });
    const { widget } = await dashboard({ endpoint: `${FUNCTION}:look` });
    assert.equal(await widget.getByRole('button').count(), 0);
    assert.equal(await widget.locator('input').count(), 0);
    const pressed = await invoke(`${FUNCTION}:look`, { click: { action: 'off', id: 'watched' }, widgetContext: {} });
    assert.match(pressed, /Refused/);
    assert.equal(await closed(), true);
  });

  test('does nothing for a widget whose parameters say what to do', async () => {
    await send({ action: 'on', id: 'kept', duration: 'PT30M' });
    const params = { click: { action: 'off', id: 'kept' }, action: 'off' };
    const { widget } = await dashboard({ params });
    assert.match(await widget.innerText(), /only a button may send it/);
    assert.equal(await closed(), true);
  });
});
