// The notice of planned maintenance on the application's own pages: in Chromium, under a strict policy, behind a
// CloudFront for tests. With SCREENSHOTS=DIR its pictures are written there.
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync } from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import { after, before, beforeEach, describe, test } from 'node:test';
import axe from 'axe-core';

import { startBrowser } from './browser.mjs';
import { startEdge } from './edge.mjs';

const script = readFileSync(new URL('../errors/banner.js', import.meta.url));
const POLICY = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; require-trusted-types-for 'script'; trusted-types 'none'; base-uri 'none'; form-action 'self'";
const INCLUDE = '<script src="/errors/banner.js" async></script>';
const BODY = '<main><h1>The shop is open</h1><p>Chairs and tables.</p></main>';
const NOW = Date.parse('2026-12-05T12:00:00Z');

let browser, edge, origin, contexts = [];
// What the application answers, and what is announced.
const shop = { head: INCLUDE, body: BODY, policy: POLICY };
let announced = null;

before(async () => {
  browser = await startBrowser();
  origin = http.createServer((request, response) => {
    if (request.url === '/shop.css') response.writeHead(200, { 'content-type': 'text/css' }).end('div, p, button, section { display: none !important; color: white; text-transform: uppercase; letter-spacing: 1em }');
    else {
      response.writeHead(200, { 'content-type': 'text/html; charset=utf-8', 'content-security-policy': shop.policy });
      response.write(`<!doctype html><html lang="en"><head><meta name="viewport" content="width=device-width"><title>The shop</title>${shop.head}</head><body><header>Top</header>`);
      // A page that takes its time.
      setTimeout(() => response.end(`${shop.body}</body></html>`), request.url === '/slow' ? 500 : 0);
    }
  });
  await new Promise((resolve) => origin.listen(0, '127.0.0.1', resolve));
  edge = await startEdge({
    origin: `http://127.0.0.1:${origin.address().port}`,
    pages: (name) => {
      if (name === 'banner.js') return script;
      return name === 'upcoming.json' && announced !== null ? Buffer.from(announced) : null;
    },
  });
});

after(async () => {
  await browser?.close();
  await edge?.close();
  origin?.close();
  origin?.closeAllConnections();
});

beforeEach(async () => {
  await Promise.all(contexts.map((context) => context.close()));
  contexts = [];
  Object.assign(shop, { head: INCLUDE, body: BODY, policy: POLICY });
  announced = null;
  edge.log.length = 0;
});

const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));
const hours = (count) => count * 3_600_000;
const window = (start, end, more = {}) => ({ uid: 'one', start: new Date(NOW + hours(start)).toISOString(), end: end === null ? null : new Date(NOW + hours(end)).toISOString(), message: 'New shelves. Your basket is safe.', ...more });
const announce = (...windows) => { announced = JSON.stringify({ windows }); };
const notice = (page) => page.locator('[data-maintenance-window] section');
const asked = () => edge.log.filter(({ url }) => url === '/errors/upcoming.json').length;
const text = async (page) => (await notice(page).locator('[role=status]').innerText()).replace(/[\u202f\u00a0\u2009]/g, ' ');

async function visitor({ prepare, at = '/', clock = NOW, ...options } = {}) {
  const context = await browser.newContext({ locale: 'en-GB', timezoneId: 'Europe/Berlin', viewport: { width: 1280, height: 800 }, ...options });
  contexts.push(context);
  await prepare?.(context);
  return { context, ...await open(context, at, clock) };
}

async function open(context, at = '/', clock = NOW) {
  const page = await context.newPage();
  page.setDefaultTimeout(5000);
  const seen = { urls: [], complaints: [] };
  page.on('request', (request) => seen.urls.push(request.url()));
  page.on('pageerror', (error) => seen.complaints.push(String(error)));
  page.on('console', (message) => {
    if (message.type() === 'error' && !message.text().startsWith('Failed to load resource')) seen.complaints.push(message.text());
  });
  // The browser keeps the feed for a minute of real time, which the page's clock does not make pass.
  const devTools = await context.newCDPSession(page);
  await devTools.send('Network.enable');
  await devTools.send('Network.setCacheDisabled', { cacheDisabled: true });
  await page.clock.install({ time: clock });
  const before = asked();
  await page.goto(edge.url + at);
  for (let i = 0; i < 50 && asked() === before; i++) await pause(20);
  await pause(100);
  return { page, seen };
}

// Lets the page's clock run until something is so.
async function runUntil(page, isSo) {
  for (let step = 0; step < 200; step++) {
    if (await isSo()) return;
    await page.clock.runFor(30_000);
    await pause(20);
  }
  assert.fail('it never came to be so');
}

describe('a visitor before maintenance', () => {
  test('reads when it is, in their own zone, and why', async () => {
    announce(window(14, 16));
    const { page, seen } = await visitor();
    assert.match(await text(page), /^Planned maintenance: Sunday 6 December(,| at) 03:00 ?– ?05:00 CET\n+New shelves\. Your basket is safe\.$/);
    assert.deepEqual(seen.complaints, []);
    assert.equal(await page.locator('h1').textContent(), 'The shop is open');
  });

  test('asks this site alone, and no more than every few minutes', async () => {
    announce(window(14, 16));
    const { page, seen } = await visitor();
    assert.deepEqual(seen.urls.filter((url) => !url.endsWith('/favicon.ico')), ['/', '/errors/banner.js', '/errors/upcoming.json'].map((url) => edge.url + url));
    const until = NOW + hours(1);
    await runUntil(page, async () => await page.evaluate(() => Date.now()) >= until);
    assert.ok(asked() >= 8 && asked() <= 16, `${asked()} times in an hour`);
  });

  test('sees it move, and vanish when it is cancelled or over', async () => {
    announce(window(14, 16));
    const { page } = await visitor();
    announce(window(15, 17));
    await runUntil(page, async () => (await text(page)).includes('04:00'));
    announce();
    await runUntil(page, async () => !await notice(page).isVisible());
    announce(window(-1, 1));
    const late = await visitor();
    assert.ok(await notice(late.page).isVisible(), 'it goes on');
    edge.log.length = 0;
    announced = null;
    await runUntil(late.page, async () => !await notice(late.page).isVisible());
    assert.ok(asked() < 12, 'where nothing can be read it asks ever less often');
  });

  test('reads a start alone where nobody knows the end, and the next one of several', async () => {
    announce(window(20, 22, { uid: 'two' }), window(14, null, { message: 'Soon.' }), window(-3, -1, { uid: 'past' }));
    const { page } = await visitor();
    assert.match(await text(page), /^Planned maintenance: Sunday 6 December(,| at) 03:00 CET\n+Soon\.$/);
  });

  test('dismisses it for that window, on every page and in every tab, until it moves', async () => {
    announce(window(14, 16));
    const { context, page } = await visitor();
    const other = await open(context, '/other');
    assert.ok(await notice(other.page).isVisible());
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    assert.equal(await notice(page).isVisible(), false);
    await runUntil(other.page, async () => !await notice(other.page).isVisible());
    const later = await open(context, '/later');
    assert.equal(await notice(later.page).isVisible(), false);
    announce(window(15, 16));
    const moved = await open(context, '/moved');
    assert.ok(await notice(moved.page).isVisible());
    const kept = await moved.page.evaluate(() => ({ ...localStorage }));
    assert.deepEqual(Object.keys(kept), ['maintenance-window:dismissed']);
  });

  test('dismisses it for the page alone where nothing may be stored', async () => {
    announce(window(14, 16));
    const prepare = (context) => context.addInitScript(() => Object.defineProperty(globalThis, 'localStorage', { get() { throw new Error('forbidden'); } }));
    const { page, seen } = await visitor({ prepare });
    await notice(page).getByRole('button').click();
    assert.equal(await notice(page).isVisible(), false);
    await page.clock.runFor(20 * 60_000);
    assert.equal(await notice(page).isVisible(), false);
    assert.deepEqual(seen.complaints, []);
  });
});

describe('the application', () => {
  test('says where the notice stands, or has it first of all', async () => {
    announce(window(14, 16));
    shop.body = `<div id="place" data-maintenance-banner></div>${BODY}`;
    for (const at of ['/', '/slow']) {
      const placed = await visitor({ at });
      assert.equal(await placed.page.locator('#place > [data-maintenance-window]').count(), 1, at);
    }
    shop.body = BODY;
    const { page } = await visitor();
    assert.ok(await page.evaluate(() => document.body.firstElementChild.matches('[data-maintenance-window]')));
  });

  test('may make its body anew', async () => {
    announce(window(14, 16));
    const { page } = await visitor();
    await page.evaluate(() => document.body.replaceChildren(document.querySelector('main')));
    assert.equal(await notice(page).count(), 0);
    await runUntil(page, async () => await notice(page).isVisible());
    assert.ok(await page.evaluate(() => document.body.firstElementChild.matches('[data-maintenance-window]')));
  });

  test('is left alone: no global name, no style of its own or of the notice reaches the other', async () => {
    announce(window(14, 16));
    shop.head = `<link rel="stylesheet" href="/shop.css">${INCLUDE}`;
    const { page, seen } = await visitor();
    const [display, transform] = await notice(page).locator('p').first().evaluate((element) => [getComputedStyle(element).display, getComputedStyle(element).textTransform]);
    assert.deepEqual([display, transform], ['block', 'none']);
    const names = await page.evaluate(() => {
      const frame = document.body.appendChild(document.createElement('iframe'));
      const usual = Object.getOwnPropertyNames(frame.contentWindow);
      return Object.getOwnPropertyNames(globalThis).filter((name) => !usual.includes(name) && !/^__pw|^(builtins|__playwright)/.test(name));
    });
    assert.deepEqual(names.filter((name) => /banner|window|MINUTE|STYLE|WORDS|language/i.test(name)), []);
    assert.deepEqual(seen.complaints, []);
  });

  test('may include it twice, in its head or at its end', async () => {
    announce(window(14, 16));
    shop.head = '<script src="/errors/banner.js"></script>';
    shop.body = `${BODY}<script src="/errors/banner.js"></script>`;
    const { page } = await visitor();
    assert.equal(await notice(page).count(), 1);
    assert.ok(await notice(page).isVisible());
  });

  for (const [name, content] of Object.entries({
    nothing: null, 'a page': '<html>', 'a list': '[]', null: 'null', 'no list': '{"windows":{}}', 'odd entries': '{"windows":[null,1,"x",{},{"start":"soon"},{"start":"2026-12-06T02:00:00Z","end":"2026-12-06T01:00:00Z"}]}', 'too much': JSON.stringify({ windows: [window(14, 16, { message: 'x'.repeat(70_000) })] }),
  })) {
    test(`goes on as if it were not there where the feed holds ${name}`, async () => {
      announced = content;
      const { page, seen } = await visitor();
      assert.equal(await notice(page).isVisible(), false);
      assert.equal(await page.locator('h1').textContent(), 'The shop is open');
      assert.deepEqual(seen.complaints, []);
    });
  }

  for (const missing of ['Element.prototype.attachShadow', 'globalThis.fetch', 'globalThis.CSSStyleSheet', 'Intl.DateTimeFormat.supportedLocalesOf']) {
    test(`goes on in a browser without ${missing}`, async () => {
      announce(window(14, 16));
      const prepare = (context) => context.addInitScript((name) => {
        const [of, key] = [name.slice(0, name.lastIndexOf('.')), name.slice(name.lastIndexOf('.') + 1)];
        const owner = { 'Element.prototype': Element.prototype, globalThis, 'Intl.DateTimeFormat': Intl.DateTimeFormat }[of];
        Object.defineProperty(owner, key, { value: undefined, configurable: true });
      }, missing);
      const { page, seen } = await visitor({ prepare });
      assert.equal(await page.locator('h1').textContent(), 'The shop is open');
      assert.deepEqual(seen.complaints, []);
    });
  }

  test('is not harmed by a message', async () => {
    announce(window(14, 16, { message: '<img src=x onerror="document.title=1">\u202eevil' }));
    const { page, seen } = await visitor();
    assert.match(await text(page), /<img src=x onerror="document.title=1">evil$/);
    assert.equal(await notice(page).locator('img').count(), 0);
    assert.deepEqual([await page.title(), seen.complaints], ['The shop', []]);
  });
});

describe('the language', () => {
  for (const [locale, lang, dir, words] of [
    ['en-US', 'en', 'ltr', 'Planned maintenance'], ['de-AT', 'de', 'ltr', 'Geplante Wartung'], ['fr-CA', 'fr', 'ltr', 'Maintenance prévue'],
    ['ar-EG', 'ar', 'rtl', 'صيانة مخطط لها'], ['nl-NL', 'en', 'ltr', 'Planned maintenance'],
  ]) {
    test(`${locale} is answered in ${lang}`, async () => {
      announce(window(14, 16));
      const { page } = await visitor({ locale });
      assert.deepEqual(await notice(page).evaluate((element) => [element.lang, element.dir, element.getAttribute('aria-label')]), [lang, dir, words]);
      assert.ok((await text(page)).startsWith(`${words}: `));
      assert.equal(await page.evaluate(() => document.documentElement.lang), 'en', 'the application\'s own stays');
      assert.deepEqual(await notice(page).locator('p').nth(1).evaluate((element) => [element.lang, element.dir]), ['', 'auto']);
    });
  }
});

describe('accessibility', () => {
  const looks = {
    light: {}, dark: { colorScheme: 'dark' }, 'phone of 320 pixels': { viewport: { width: 320, height: 640 } },
    'right to left': { locale: 'ar-EG' }, 'right to left on a dark phone': { locale: 'ar-EG', colorScheme: 'dark', viewport: { width: 320, height: 640 } },
  };
  for (const [name, options] of Object.entries(looks)) {
    test(`axe finds nothing: ${name}`, async () => {
      announce(window(14, 16));
      // axe compiles some of its checks, which the policy forbids.
      const { page } = await visitor({ ...options, bypassCSP: true });
      await page.evaluate(axe.source);
      const result = await page.evaluate(() => globalThis.axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] }));
      assert.deepEqual(result.violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`), []);
      assert.ok(result.passes.some(({ nodes }) => nodes.some(({ target }) => target.flat().join(' ').includes('data-maintenance-window'))), 'it looked into the notice');
      assert.equal(await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth), 0);
      if (process.env.SCREENSHOTS) {
        mkdirSync(process.env.SCREENSHOTS, { recursive: true });
        await page.screenshot({ path: path.join(process.env.SCREENSHOTS, `banner ${name}.png`.replaceAll(' ', '-')) });
      }
    });
  }

  test('text at twice its size fits 320 pixels, and what the keyboard reaches is seen', async () => {
    announce(window(14, 16, { message: 'Donaudampfschifffahrtsgesellschaftskapitänsmützenabzeichen' }));
    const { page } = await visitor({ locale: 'de-DE', viewport: { width: 320, height: 640 }, bypassCSP: true });
    await page.evaluate(() => { document.documentElement.style.fontSize = '200%'; });
    assert.equal(await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth), 0);
    await page.keyboard.press('Tab');
    const focused = await page.evaluate(() => {
      const element = document.activeElement.shadowRoot.activeElement;
      return [element.textContent, getComputedStyle(element).outlineStyle, element.getBoundingClientRect().height >= 44];
    });
    assert.deepEqual(focused, ['Hinweis schließen', 'solid', true]);
  });
});

test('it is small', () => assert.ok(script.length < 7000, `${script.length} bytes`));
