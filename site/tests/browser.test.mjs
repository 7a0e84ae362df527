// The pages and the bypass link as people meet them: in Chromium, behind a CloudFront for tests, in
// front of a load balancer for tests. With SCREENSHOTS=DIR the pages' pictures are written there.
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync } from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import { after, before, beforeEach, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import axe from 'axe-core';

import { PAGES } from '../build.mjs';
import { startBrowser } from './browser.mjs';
import { startEdge } from './edge.mjs';

const SECRET = '5f0c1d2e3b4a59687766554433221100aabbccdd';
const folder = fileURLToPath(new URL('../errors/', import.meta.url));
const SITE = '<!doctype html><html lang="en"><title>The shop</title><h1>The shop is open</h1><form method="post" action="/order"><button>Order</button></form>';

let browser, edge, origin, contexts = [];
// What the load balancer does: whether the rule lets everybody through, what it was asked, and the code
// with which the application refuses HEAD, if it does.
const balancer = { open: false, asked: [], refusesHead: null };
let published = null;

before(async () => {
  browser = await startBrowser();
  origin = http.createServer((request, response) => {
    const tester = request.headers['x-maintenance-bypass'] === SECRET;
    balancer.asked.push({ method: request.method, url: request.url, headers: request.headers });
    if (!balancer.open && !tester) response.writeHead(503, { 'content-type': 'text/plain' }).end('Down for maintenance.');
    else if (balancer.refusesHead && request.method === 'HEAD') response.writeHead(balancer.refusesHead).end();
    else if (request.url.startsWith('/moved')) response.writeHead(302, { location: '/elsewhere' }).end();
    else response.writeHead(200, { 'content-type': 'text/html; charset=utf-8', 'cache-control': 'no-store' }).end(request.method === 'HEAD' ? undefined : SITE);
  });
  await new Promise((resolve) => origin.listen(0, '127.0.0.1', resolve));
  edge = await startEdge({
    origin: `http://127.0.0.1:${origin.address().port}`,
    secret: SECRET,
    pages: (name) => {
      if (name !== 'window.json') return readFileSync(path.join(folder, path.basename(name)));
      return published === null ? null : Buffer.from(published);
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
  balancer.open = false;
  balancer.asked = [];
  balancer.refusesHead = null;
  published = null;
  edge.log.length = 0;
});

// A page of a fresh visitor. Everything it asks for and complains about is kept.
async function visitor({ at = '/shop?item=1', clock, prepare, ...options } = {}) {
  const context = await browser.newContext({ locale: 'en-GB', timezoneId: 'Europe/Berlin', viewport: { width: 1280, height: 800 }, ...options });
  contexts.push(context);
  await prepare?.(context);
  const page = await context.newPage();
  page.setDefaultTimeout(5000);
  const seen = { urls: [], complaints: [] };
  page.on('request', (request) => seen.urls.push(request.url()));
  page.on('pageerror', (error) => seen.complaints.push(String(error)));
  page.on('console', (message) => {
    // A failed load of what may be missing is the browser's remark, not the page's fault.
    if (message.type() === 'error' && !message.text().startsWith('Failed to load resource')) seen.complaints.push(message.text());
  });
  if (clock) await page.clock.install({ time: clock });
  const response = await page.goto(edge.url + at);
  // The page for 503 asks for the expected end first of all.
  const asks = response.status() === 503 && options.javaScriptEnabled !== false && !prepare;
  for (let i = 0; asks && i < 100 && !edge.log.some(({ url }) => url === '/errors/window.json'); i++) await pause(20);
  await pause(50);
  return { context, page, seen, response };
}

const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));
const shown = (page, id) => page.locator(`#${id}`).isVisible();
const said = (page, id) => page.locator(`#${id}`).textContent();
const publish = (end, message = null) => { published = JSON.stringify({ end: end === null ? null : new Date(end).toISOString(), message }); };

const announced = (page) => page.evaluate(() => document.getElementById('said')?.textContent === 'The site is back. Opening it now.');

// Lets the page's clock run until something is so; between its steps the network gets its time.
async function runUntil(page, isSo) {
  // Shorter steps than the second between an announcement and the reload, or it could be missed.
  for (let step = 0; step < 160; step++) {
    if (await isSo()) return;
    await page.clock.runFor(500);
    await pause(20);
  }
  assert.fail('it never came to be so');
}

// What the load balancer was asked, without the part that differs each time. A browser may ask for the
// site's icon as well.
function questions() {
  return balancer.asked.filter(({ url }) => url !== '/favicon.ico').map(({ method, url }) => `${method} ${url.replace(/\?maintenance-check=\d+$/, '')}`);
}

// From the announcement to the site itself.
async function opened(page) {
  await runUntil(page, () => announced(page));
  await Promise.all([page.waitForEvent('load'), page.clock.runFor(5000)]);
}

async function violations(page) {
  await page.evaluate(axe.source);
  const result = await page.evaluate(() => globalThis.axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] }));
  return result.violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`);
}

async function overflow(page) {
  return page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
}

describe('a visitor during maintenance', () => {
  test('sees the page in place of the answer, with code 503, at the address they asked for', async () => {
    const { page, response, seen } = await visitor();
    assert.equal(response.status(), 503);
    assert.equal(response.headers()['retry-after'], '300');
    assert.equal(page.url(), `${edge.url}/shop?item=1`);
    assert.equal(await page.locator('h1').textContent(), 'Unavailable right now');
    assert.equal(await shown(page, 'when'), false);
    assert.equal(await shown(page, 'checks'), true);
    assert.deepEqual(seen.complaints, []);
  });

  test('makes the browser ask only this site: the page and the expected end', async () => {
    publish(Date.now() + 3_600_000);
    const { seen } = await visitor();
    assert.deepEqual(seen.urls, [`${edge.url}/shop?item=1`, `${edge.url}/errors/window.json`]);
    assert.deepEqual(edge.log.map(({ url }) => url), ['/shop?item=1', '/errors/window.json']);
  });

  test('sees the expected end in their own zone, and the countdown moves', async () => {
    const now = Date.parse('2026-12-06T02:00:00Z');
    publish(now + 25 * 60_000, 'New shelves.\nSame goods.');
    const { page } = await visitor({ clock: now });
    await page.waitForSelector('#when', { state: 'visible' });
    assert.equal(await page.locator('h1').textContent(), 'Closed for maintenance');
    assert.equal(await page.title(), 'Closed for maintenance');
    assert.equal(await said(page, 'time'), '03:25');
    assert.equal(await page.locator('time').getAttribute('datetime'), '2026-12-06T02:25:00.000Z');
    assert.equal(await said(page, 'detail'), 'CET · in 25 minutes');
    assert.equal(await said(page, 'message'), 'New shelves.\nSame goods.');
    await page.clock.runFor(10 * 60_000);
    assert.equal(await said(page, 'detail'), 'CET · in 15 minutes');
    assert.equal(await said(page, 'said'), '', 'the countdown is not read out');
  });

  test('learns of an extension, and only that is read out', async () => {
    const now = Date.parse('2026-12-06T02:00:00Z');
    publish(now + 25 * 60_000);
    const { page } = await visitor({ clock: now });
    await page.waitForSelector('#when', { state: 'visible' });
    publish(now + 55 * 60_000);
    await runUntil(page, async () => await said(page, 'time') === '03:55');
    assert.equal(await said(page, 'said'), 'Expected back: 03:55');
  });

  test('is told honestly when it takes longer, and when nobody knows', async () => {
    const now = Date.parse('2026-12-06T02:00:00Z');
    publish(now - 60_000);
    const late = await visitor({ clock: now });
    await late.page.waitForSelector('#late', { state: 'visible' });
    assert.equal(await shown(late.page, 'when'), false);
    publish(null);
    const unknown = await visitor({ clock: now });
    await unknown.page.waitForSelector('#unknown', { state: 'visible' });
    assert.equal(await shown(unknown.page, 'when'), false);
  });

  test('is not harmed by what window.json says', async () => {
    published = JSON.stringify({ end: '<b>', message: '<img src=x onerror="document.title=1"><script>document.title=2</script>', __proto__: 1 });
    const { page, seen } = await visitor();
    await page.waitForSelector('#message', { state: 'visible' });
    assert.equal(await page.locator('#message *').count(), 0);
    assert.equal(await page.title(), 'Closed for maintenance');
    assert.deepEqual(seen.urls.length, 2);
    published = '<html>not json';
    const other = await visitor();
    assert.equal(await shown(other.page, 'message'), false);
    assert.deepEqual(other.seen.complaints, []);
  });

  test('without JavaScript reads the page, in four languages, and can try again', async () => {
    const { page } = await visitor({ javaScriptEnabled: false });
    const text = await page.locator('main').innerText();
    for (const words of ['Unavailable right now', 'Gerade nicht erreichbar', 'Indisponible pour le moment', 'غير متاح حاليًا']) assert.ok(text.includes(words), words);
    assert.ok(!text.includes('keeps looking'), 'promises nothing that takes a script');
    balancer.open = true;
    await page.getByRole('link', { name: 'Try again' }).click();
    assert.equal(await page.locator('h1').textContent(), 'The shop is open');
  });
});

describe('when the site comes back', () => {
  test('the page opens it by itself, at the same address', async () => {
    const { page, seen } = await visitor({ clock: Date.now(), at: '/shop?item=1#reviews' });
    await runUntil(page, () => balancer.asked.some(({ method }) => method === 'HEAD'));
    assert.equal(await page.title(), 'Unavailable right now');
    assert.equal(await announced(page), false);
    balancer.open = true;
    await opened(page);
    assert.equal(await page.locator('h1').textContent(), 'The shop is open');
    assert.equal(page.url(), `${edge.url}/shop?item=1#reviews`);
    assert.ok(questions().includes('HEAD /shop'));
    const checks = balancer.asked.filter(({ method }) => method === 'HEAD').map(({ url }) => url);
    assert.ok(checks.length > 1);
    assert.equal(new Set(checks).size, checks.length, 'no two are the same, so no copy answers them');
    assert.deepEqual(seen.complaints, []);
  });

  test('a form that met the page is not sent again', async () => {
    balancer.open = true;
    const { page } = await visitor({ clock: Date.now() });
    balancer.open = false;
    balancer.asked = [];
    await Promise.all([page.waitForEvent('load'), page.getByRole('button').click()]);
    assert.equal(await page.locator('h1').textContent(), 'Unavailable right now');
    assert.deepEqual(questions(), ['POST /order']);
    balancer.open = true;
    await opened(page);
    assert.equal(await page.locator('h1').textContent(), 'The shop is open');
    assert.deepEqual(questions(), ['POST /order', 'HEAD /order', 'GET /order']);
  });

  test('a link for one use is still unused when the visitor is led to it', async () => {
    const { page } = await visitor({ clock: Date.now(), at: '/confirm/q7f2k?token=abc' });
    balancer.asked = [];
    balancer.open = true;
    await opened(page);
    assert.equal(await page.locator('h1').textContent(), 'The shop is open');
    const asked = questions();
    assert.deepEqual(asked, ['HEAD /', 'GET /confirm/q7f2k?token=abc']);
  });

  for (const status of [403, 405, 501]) {
    test(`an application that answers HEAD by ${status} is asked for its root by GET`, async () => {
      balancer.refusesHead = status;
      const { page } = await visitor({ clock: Date.now() });
      await runUntil(page, () => balancer.asked.some(({ method }) => method === 'HEAD'));
      balancer.asked = [];
      balancer.open = true;
      await opened(page);
      assert.equal(await page.locator('h1').textContent(), 'The shop is open');
      const asked = questions();
      assert.deepEqual(asked, ['HEAD /shop', 'GET /', 'GET /shop?item=1']);
    });
  }

  test('the page leaves what the site itself has stored alone', async () => {
    balancer.open = true;
    const { page } = await visitor({ clock: Date.now() });
    await page.evaluate(() => sessionStorage.setItem('reloads', JSON.stringify({ at: Date.now(), count: 9 })));
    balancer.open = false;
    await page.reload();
    balancer.open = true;
    await opened(page);
    const stored = await page.evaluate(() => ({ ...sessionStorage }));
    assert.deepEqual(Object.keys(stored).sort(), ['maintenance-window:reloads', 'reloads']);
    assert.equal(JSON.parse(stored.reloads).count, 9);
    const { path: at, count } = JSON.parse(stored['maintenance-window:reloads']);
    assert.deepEqual([at, count], ['/shop', 1]);
  });

  test('reloads in vain slow down their own address and no other', async () => {
    const after = (at) => visitor({ clock: Date.now(), prepare: (context) => context.addInitScript((value) => {
      sessionStorage.setItem('maintenance-window:reloads', JSON.stringify({ path: value, at: Date.now(), count: 5 }));
    }, at) });
    const asksWithin = async ({ page }, seconds) => {
      balancer.asked = [];
      await pause(100);
      await page.clock.runFor(seconds * 1000);
      await pause(100);
      return questions().includes('HEAD /shop');
    };
    assert.equal(await asksWithin(await after('/other'), 60), true);
    assert.equal(await asksWithin(await after('/shop'), 60), false);
  });

  test('an answer that leads elsewhere counts', async () => {
    const { page } = await visitor({ clock: Date.now(), at: '/moved' });
    balancer.open = true;
    await opened(page);
    assert.equal(page.url(), `${edge.url}/elsewhere`);
  });

  test('a page in the background asks nothing until somebody looks', async () => {
    const { page } = await visitor({ clock: Date.now() });
    balancer.asked = [];
    const look = (state) => page.evaluate((value) => {
      Object.defineProperty(document, 'hidden', { configurable: true, get: () => value });
      document.dispatchEvent(new Event('visibilitychange'));
    }, state === 'hidden');
    await look('hidden');
    await page.clock.runFor(10 * 60_000);
    assert.deepEqual(balancer.asked, []);
    balancer.open = true;
    await look('visible');
    await runUntil(page, () => announced(page));
    assert.equal(balancer.asked.length, 1);
  });
});

describe('a tester', () => {
  test('gets in by the link, stays in, and gets out again', async () => {
    const { context, page, seen } = await visitor({ at: `/shop?item=1&maintenance-bypass=${SECRET}` });
    assert.equal(await page.locator('h1').textContent(), 'The shop is open');
    assert.equal(page.url(), `${edge.url}/shop?item=1`);
    const [cookie] = await context.cookies();
    assert.equal(cookie.name, '__Host-maintenance-bypass');
    assert.deepEqual([cookie.secure, cookie.httpOnly, cookie.sameSite, cookie.path], [true, true, 'Lax', '/']);
    assert.ok(!cookie.value.includes(SECRET));
    assert.ok(cookie.expires * 1000 - Date.now() <= 12 * 3_600_000);

    await page.goto(`${edge.url}/other`);
    assert.equal(await page.locator('h1').textContent(), 'The shop is open');
    for (const { url, headers } of balancer.asked) assert.ok(!`${url}${headers.cookie ?? ''}`.includes('maintenance-bypass'), 'neither link nor cookie reach the application');

    await page.goto(`${edge.url}/other?maintenance-bypass=off`);
    assert.equal(page.url(), `${edge.url}/other`);
    assert.equal(await page.locator('h1').textContent(), 'Unavailable right now');
    assert.deepEqual(await context.cookies(), []);
    assert.deepEqual(seen.complaints, []);
  });

  test('with a wrong link is a visitor', async () => {
    const { context, page } = await visitor({ at: '/?maintenance-bypass=a-wrong-secret-0123456789' });
    assert.equal(await page.locator('h1').textContent(), 'Unavailable right now');
    assert.equal(page.url(), `${edge.url}/`);
    assert.deepEqual(await context.cookies(), []);
  });
});

describe('the language', () => {
  for (const [locale, lang, dir, heading] of [
    ['en-US', 'en', 'ltr', 'Unavailable right now'], ['de-AT', 'de', 'ltr', 'Gerade nicht erreichbar'], ['fr-CA', 'fr', 'ltr', 'Indisponible pour le moment'],
    ['ar-EG', 'ar', 'rtl', 'غير متاح حاليًا'], ['nl-NL', 'en', 'ltr', 'Unavailable right now'],
  ]) {
    test(`${locale} is answered in ${lang}`, async () => {
      const { page } = await visitor({ locale });
      assert.deepEqual(await page.evaluate(() => [document.documentElement.lang, document.documentElement.dir]), [lang, dir]);
      assert.equal(await page.locator('h1').textContent(), heading);
      assert.equal(await page.title(), heading);
    });
  }
});

describe('a browser that names its languages oddly', () => {
  for (const [name, languages] of Object.entries({ 'en-US@posix': ['en-US@posix'], C: ['C'], none: [], missing: undefined })) {
    test(`is told the end and led back all the same: ${name}`, async () => {
      const now = Date.parse('2026-12-06T02:00:00Z');
      publish(now + 25 * 60_000);
      const prepare = (context) => context.addInitScript((value) => {
        for (const key of ['languages', 'language']) Object.defineProperty(Navigator.prototype, key, { get: () => key === 'languages' ? value : value?.[0] });
      }, languages);
      const { page, seen } = await visitor({ clock: now, prepare });
      await page.waitForSelector('#when', { state: 'visible' });
      assert.match(await said(page, 'time'), /3:25/);
      balancer.open = true;
      await opened(page);
      assert.equal(await page.locator('h1').textContent(), 'The shop is open');
      assert.deepEqual(seen.complaints, []);
    });
  }

  test('with one language alone is answered in it', async () => {
    const prepare = (context) => context.addInitScript(() => {
      Object.defineProperty(Navigator.prototype, 'languages', { get: () => undefined });
      Object.defineProperty(Navigator.prototype, 'language', { get: () => 'de-AT' });
    });
    const { page } = await visitor({ prepare });
    assert.equal(await page.locator('h1').textContent(), 'Gerade nicht erreichbar');
  });
});

test('the operator\'s message claims no language, whatever the page\'s is', async () => {
  publish(Date.now() + 3_600_000, 'New shelves.');
  const { page } = await visitor({ locale: 'de-DE' });
  await page.waitForSelector('#message', { state: 'visible' });
  assert.equal(await page.locator('#message').getAttribute('lang'), '');
  assert.equal(await page.evaluate(() => document.documentElement.lang), 'de');
});

describe('in a frame', () => {
  // The page without the header that would keep it out of frames, as AWS may send it.
  async function framed(host) {
    const prepare = async (context) => {
      await context.route(`${host}/outer`, (route) => route.fulfill({ contentType: 'text/html', body: `<!doctype html><iframe src="${edge.url}/shop"></iframe>` }));
      await context.route(`${edge.url}/shop`, async (route) => {
        const response = await route.fetch();
        const headers = Object.fromEntries(Object.entries(response.headers()).filter(([name]) => name !== 'x-frame-options'));
        await route.fulfill({ response, headers });
      });
    };
    const { page } = await visitor({ prepare });
    await page.goto(`${host}/outer`);
    const frame = page.frameLocator('iframe');
    await frame.locator('#checks').waitFor({ state: 'visible' });
    return frame.locator('a').count();
  }
  test('of another site the page has nothing to click on', async () => assert.equal(await framed(edge.url.replace('localhost', '127.0.0.1')), 0));
  test('of its own site the page has its link', async () => assert.equal(await framed(edge.url), 1));
});

test('an address of the application\'s own under /errors/ reaches the application', async () => {
  balancer.open = true;
  const { page } = await visitor({ at: '/errors/42' });
  assert.equal(await page.locator('h1').textContent(), 'The shop is open');
});

describe('accessibility', () => {
  const looks = {
    light: {}, dark: { colorScheme: 'dark' }, 'phone of 320 pixels': { viewport: { width: 320, height: 640 } },
    'right to left': { locale: 'ar-EG' }, 'right to left on a dark phone': { locale: 'ar-EG', colorScheme: 'dark', viewport: { width: 320, height: 640 } },
    'without JavaScript': { javaScriptEnabled: false },
  };

  // Each page in turn; that of 503 with everything on it that there can be.
  async function look(page, code, scripted) {
    await page.goto(code === '503' ? `${edge.url}/shop` : `${edge.url}/errors/${code}.html`);
    if (code === '503' && scripted) await page.waitForSelector('#message', { state: 'visible' });
    assert.equal(await page.locator('.code').textContent(), code);
  }

  // axe needs a script itself, so a page without scripting is shown by taking the page's own away.
  async function withoutScript(context) {
    await context.route(/\.html$|\/shop/, async (route) => {
      const response = await route.fetch();
      const body = (await response.text()).replace(/<script>[^]*<\/script>/, '').replaceAll('noscript', 'section');
      await route.fulfill({ response, body });
    });
  }
  for (const [name, options] of Object.entries(looks)) {
    test(`axe finds nothing: ${name}`, async () => {
      publish(Date.now() + 30 * 3_600_000, 'A message of more than one word.');
      // axe compiles some of its checks, which the pages' own policy forbids.
      const { javaScriptEnabled = true, ...rest } = options;
      const { page } = await visitor({ ...rest, bypassCSP: true, prepare: javaScriptEnabled ? undefined : withoutScript });
      for (const code of Object.keys(PAGES)) {
        await look(page, code, javaScriptEnabled);
        assert.deepEqual(await violations(page), [], code);
        assert.equal(await overflow(page), 0, `${code} scrolls sideways`);
        if (code !== '503') continue;
        if (process.env.SCREENSHOTS) {
          mkdirSync(process.env.SCREENSHOTS, { recursive: true });
          await page.screenshot({ path: path.join(process.env.SCREENSHOTS, `503 ${name}.png`.replaceAll(' ', '-')), fullPage: true });
        }
      }
    });
  }

  for (const locale of ['en-GB', 'de-DE', 'fr-FR', 'ar-EG']) {
    test(`text at twice its size fits 320 pixels: ${locale}`, async () => {
      publish(Date.now() + 30 * 3_600_000, 'Donaudampfschifffahrtsgesellschaftskapitänsmützenabzeichen');
      const { page } = await visitor({ locale, viewport: { width: 320, height: 640 }, bypassCSP: true });
      for (const code of Object.keys(PAGES)) {
        await look(page, code, true);
        await page.evaluate(() => { document.documentElement.style.fontSize = '200%'; });
        assert.equal(await overflow(page), 0, `${code} scrolls sideways`);
        if (locale === 'en-GB') assert.deepEqual(await violations(page), [], code);
      }
    });
  }

  test('the keyboard reaches the link, and what it reaches is seen', async () => {
    const { page } = await visitor();
    await page.keyboard.press('Tab');
    assert.equal(await page.evaluate(() => document.activeElement.textContent), 'Try again');
    assert.equal(await page.evaluate(() => getComputedStyle(document.activeElement).outlineStyle), 'solid');
  });
});

describe('the other pages', () => {
  for (const code of Object.keys(PAGES)) {
    test(`${code} keeps its own policy and asks for nothing it should not`, async () => {
      const { page, seen } = await visitor({ at: `/errors/${code}.html` });
      assert.ok((await page.locator('h1').textContent()).length > 5);
      assert.deepEqual(seen.complaints, []);
      assert.ok(seen.urls.every((url) => url.startsWith(`${edge.url}/errors/`)), seen.urls.join(' '));
      assert.equal(await page.evaluate(() => getComputedStyle(document.querySelector('h1')).fontWeight), '400', 'its style is applied');
    });
  }
});
