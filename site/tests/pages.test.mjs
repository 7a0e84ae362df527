// What is committed is current, and the logic of the pages' script holds without a browser.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';

import { PAGES, stale } from '../build.mjs';

const read = (name) => readFileSync(new URL(`../${name}`, import.meta.url), 'utf8');
const text = JSON.parse(read('pages/text.json'));

// Scripts as the pages run them, in a place without a document: then they define and do nothing.
const logic = new Function('TEXT', `${read('pages/language.js')}\n${read('pages/read.js')}\n${read('pages/wait.js')}\nreturn { pickLanguage, addressToAsk, refusesHead, isBack, nextDelay, readWindow, describeEnd };`)({});

test('the committed pages and the template\'s copies of the function and the version are current', () => {
  assert.deepEqual(stale(), [], 'run "node build.mjs" in site/ and commit the result');
});

test('the README\'s picture of the page is one, and small', () => {
  const picture = readFileSync(new URL('../../docs/page.png', import.meta.url));
  assert.equal(picture.subarray(1, 4).toString(), 'PNG');
  assert.ok(picture.length < 100_000, `${picture.length} bytes`);
  assert.match(read('../README.md'), /!\[[^\]]+\]\(docs\/page\.png\)/);
});

describe('every page', () => {
  for (const code of Object.keys(PAGES)) {
    const page = read(`errors/${code}.html`);
    test(`${code} fits into the first round trip with its headers`, () => assert.ok(Buffer.byteLength(page) < 14_000, `${Buffer.byteLength(page)} bytes`));
    test(`${code} asks for nothing elsewhere and for no index`, () => {
      assert.doesNotMatch(page, /https?:|url\(|@import|<img|<iframe|<form/i);
      assert.deepEqual(page.match(/(?:src|href)="[^"]*"/g), ['href="data:,"', PAGES[code].mayHaveSent ? 'href=""' : 'href="/"']);
      assert.match(page, /<meta name="robots" content="noindex">/);
    });
    test(`${code} carries its policies in itself`, () => {
      assert.match(page, /<meta http-equiv="Content-Security-Policy" content="default-src 'none';/);
      assert.match(page, /<meta name="referrer" content="no-referrer">/);
    });
    test(`${code} has every filler filled`, () => assert.doesNotMatch(page.replace(/<script>[^]*<\/script>/, ''), /\{\{|undefined|\[object/));
  }
});

describe('the words', () => {
  const keys = Object.keys(text.en);
  for (const [code, words] of Object.entries(text)) {
    test(`${code} says everything and nothing more`, () => {
      assert.deepEqual(Object.keys(words), keys);
      assert.match(words.dir, /^(ltr|rtl)$/);
      for (const said of Object.values(words).flat()) assert.ok(said.trim() === said && said.length > 2, said);
      for (const page of Object.keys(PAGES)) assert.equal(words[page].length, 2);
    });
  }
});

describe('the language', () => {
  const pick = (...preferred) => logic.pickLanguage(preferred, ['en', 'de', 'fr', 'ar']);
  test('is the first one known', () => assert.deepEqual(pick('nl-NL', 'fr-CA', 'de'), { code: 'fr', tag: 'fr-CA' }));
  test('is English where English comes first', () => assert.deepEqual(pick('en-GB', 'de'), { code: 'en', tag: 'en-GB' }));
  test('is English where none is known', () => {
    for (const preferred of [[], ['nl'], [''], ['x-klingon'], ['constructor'], ['__proto__']]) assert.deepEqual(pick(...preferred), { code: 'en', tag: 'en' });
    assert.deepEqual(logic.pickLanguage(undefined, ['en']), { code: 'en', tag: 'en' });
  });
  test('is found, and times can be written in it, whatever a browser calls it', () => {
    const odd = [['en-US@posix', 'en'], ['C', 'en'], ['POSIX', 'en'], ['de_AT', 'de'], ['fr_CA.UTF-8', 'fr'], ['ar-', 'ar'], ['de-DE-', 'de'], [null, 'en'], [7, 'en']];
    for (const [name, code] of odd) {
      const picked = pick(name);
      assert.equal(picked.code, code, String(name));
      assert.ok(logic.describeEnd(3_600_000, 0, picked.tag, 'UTC').time.length > 3, picked.tag);
    }
    assert.deepEqual(logic.pickLanguage('de-CH', ['en', 'de']), { code: 'de', tag: 'de-CH' });
  });
});

describe('the address to ask', () => {
  test('is the visitor\'s where nothing in it looks like a secret', () => {
    for (const path of ['/', '/shop', '/shop/garden-chairs', '/about/']) assert.equal(logic.addressToAsk(path), path);
  });
  test('is the root where a part of it may be a link for one use', () => {
    for (const path of ['/confirm/q7f2k', '/invite/XQRTZ', '/reset/qwertyuiopasdfghjklzxcvbnm', '/%D8%A7']) assert.equal(logic.addressToAsk(path), '/');
  });
  test('is never another site\'s', () => assert.equal(logic.addressToAsk('//example.net/shop'), '/'));
});

describe('HEAD', () => {
  test('seems refused by 403, 405 and 501 and by nothing else', () => {
    const refused = [200, 302, 401, 403, 404, 405, 429, 500, 501, 502, 503].filter(logic.refusesHead);
    assert.deepEqual(refused, [403, 405, 501]);
  });
});

describe('an answer', () => {
  const back = (status, headers = {}, waited = 60, type = 'basic') => logic.isBack({ status, type, headers: new Headers(headers) }, waited);
  test('of the site means it is back', () => {
    for (const status of [200, 204, 301, 401, 404, 405, 410]) assert.equal(back(status), true, String(status));
    assert.equal(back(0, {}, 60, 'opaqueredirect'), true);
  });
  test('of a failing site or a firewall does not', () => {
    for (const status of [403, 408, 425, 429, 500, 502, 503, 504, 599]) assert.equal(back(status), false, String(status));
  });
  test('kept at the edge from before does not', () => {
    assert.equal(back(200, { age: '600' }), false);
    assert.equal(back(200, { age: '60' }), false);
    assert.equal(back(200, { age: 'nonsense', 'x-cache': 'Hit from cloudfront' }), false);
    assert.equal(back(200, { 'x-cache': 'Hit from cloudfront' }), false);
  });
  test('kept at the edge since this page appeared does', () => assert.equal(back(200, { age: '5', 'x-cache': 'Hit from cloudfront' }), true));
  test('asked of the site anew does', () => {
    assert.equal(back(200, { 'x-cache': 'Miss from cloudfront' }), true);
    assert.equal(back(200, { age: '0', 'x-cache': 'RefreshHit from cloudfront' }), true);
  });
});

describe('the next question', () => {
  const seconds = (tries, failures = 0, left = NaN, random = 0.5) => logic.nextDelay(tries, failures, left, random) / 1000;
  test('comes after half a minute, give or take a fifth', () => {
    assert.equal(seconds(1), 30);
    assert.equal(seconds(1, 0, NaN, 0), 24);
    assert.equal(seconds(1, 0, NaN, 1), 36);
  });
  test('comes later the longer it lasts, but not later than two minutes', () => {
    assert.equal(seconds(10), 30);
    assert.ok(seconds(12) > 30 && seconds(12) < seconds(15));
    assert.equal(seconds(1000), 120);
  });
  test('backs off from failures to at most five minutes', () => {
    assert.deepEqual([1, 2, 3, 4, 400].map((failures) => seconds(1, failures)), [60, 120, 240, 300, 300]);
  });
  test('comes soon again around the expected end', () => {
    assert.equal(seconds(1000, 0, 60_000), 30);
    assert.equal(seconds(1000, 0, -60_000), 30);
    assert.equal(seconds(1000, 0, 3_600_000), 120);
    assert.equal(seconds(1000, 0, -3_600_000), 120);
  });
});

describe('window.json', () => {
  const said = (value) => logic.readWindow(JSON.stringify(value));
  test('with an end and a message is read', () => {
    assert.deepEqual(said({ end: '2026-12-06T04:00:00Z', message: 'New shelves' }), { end: Date.parse('2026-12-06T04:00:00Z'), message: 'New shelves' });
    assert.equal(said({ end: '2026-12-06T05:00:00.5+01:00' }).end, Date.parse('2026-12-06T04:00:00.500Z'));
  });
  test('without an end is an open end', () => {
    for (const end of [null, undefined, '', 'soon', 0, 1e300, true, [], {}, '2026-12-06', '2026-12-06T04:00:00', '2026-13-45T99:99:99Z', '+292278994-08-17T07:12:55Z', ['2026-12-06T04:00:00Z', 'x']]) {
      assert.deepEqual(said({ end, message: null }), { end: NaN, message: '' });
    }
  });
  test('that is not an object is as good as none', () => {
    for (const value of [null, 'text', 1, true, [], [{ end: null }]]) assert.equal(said(value), null);
    for (const raw of ['', '<html>', '{', '{"end":', `{"message":"${'a'.repeat(5000)}"}`]) assert.equal(logic.readWindow(raw), null);
  });
  test('has its message cleaned of what could hide or reorder text', () => {
    assert.equal(said({ message: ' a\u202eb\u200bc\u0000d\u2066e\r\nf\u007f\ufeff ' }).message, 'abcde\nf');
    assert.equal(said({ message: { toString: 'x' } }).message, '');
    assert.equal(Array.from(said({ message: '😀'.repeat(400) }).message).length, 300);
  });
  test('keeps markup as the text it is', () => assert.equal(said({ message: '<img src=x onerror=alert(1)>' }).message, '<img src=x onerror=alert(1)>'));
});

describe('the expected end', () => {
  const now = Date.parse('2026-12-06T02:00:00Z');
  const told = (end, tag, zone) => logic.describeEnd(Date.parse(end), now, tag, zone);
  test('is told in the visitor\'s zone and manner', () => {
    assert.deepEqual(told('2026-12-06T04:00:00Z', 'de-DE', 'Europe/Berlin'), { time: '05:00', detail: 'MEZ · in 2 Stunden' });
    assert.match(told('2026-12-06T04:00:00Z', 'en-US', 'America/New_York').time, /^11:00\sPM$/u);
  });
  test('names the day when it is another one there', () => {
    assert.equal(told('2026-12-06T04:00:00Z', 'en-GB', 'Asia/Tokyo').detail, 'GMT+9 · in 2 hours');
    assert.equal(told('2026-12-06T15:30:00Z', 'en-GB', 'Asia/Tokyo').detail, 'Monday 7 December · GMT+9 · in 14 hours');
  });
  test('counts up to the minute, then in hours, then in days', () => {
    const counted = (end) => told(end, 'en-GB', 'UTC').detail.split(' · ').at(-1);
    assert.equal(counted('2026-12-06T02:00:01Z'), 'in 1 minute');
    assert.equal(counted('2026-12-06T02:24:30Z'), 'in 25 minutes');
    assert.equal(counted('2026-12-06T03:59:00Z'), 'in 119 minutes');
    assert.equal(counted('2026-12-06T05:00:00Z'), 'in 3 hours');
    assert.equal(counted('2026-12-09T02:00:00Z'), 'in 3 days');
  });
  test('is right across a change of clocks', () => {
    const before = Date.parse('2026-10-25T00:30:00Z');
    assert.deepEqual(logic.describeEnd(Date.parse('2026-10-25T01:30:00Z'), before, 'en-GB', 'Europe/London'), { time: '01:30', detail: 'GMT · in 60 minutes' });
  });
});
