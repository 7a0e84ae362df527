// The bypass function itself, on CloudFront's event shape, with whatever a visitor might send.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import crypto from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { describe, test } from 'node:test';

import { eventFor, loadFunction } from './edge.mjs';

const SECRET = '5f0c1d2e3b4a59687766554433221100aabbccdd';
const OLDER = 'an-older-secret-0123456789';
const COOKIE = '__Host-maintenance-bypass';
const HEADER = 'x-maintenance-bypass';
const NOW = Date.parse('2026-12-06T02:00:00Z');
const TWELVE_HOURS = 12 * 60 * 60;

async function run(request, options = {}) {
  const { handler, reads } = loadFunction({ store: { secrets: SECRET }, now: () => NOW, ...options });
  const result = await handler(eventFor(request));
  return { result, reads };
}

async function cookieFor(secret, options = {}) {
  const { result } = await run({ target: `/?maintenance-bypass=${secret}` }, { store: { secrets: secret }, ...options });
  return result.cookies[COOKIE].value;
}

const location = (result) => result.headers.location.value;
const sentHeader = (result) => result.headers[HEADER]?.value;

// Where a browser goes on such a Location, asked on the site.
const followed = (result) => new URL(location(result), 'https://www.example.com/start');

describe('a visitor without a link, header or cookie', () => {
  test('passes as they came, without a look into the store', async () => {
    const { result, reads } = await run({ target: '/shop?a=1&b=2', headers: [['Accept', '*/*'], ['Cookie', 'session=abc']] });
    assert.equal(result.uri, '/shop');
    assert.deepEqual(Object.keys(result.headers), ['accept']);
    assert.deepEqual(result.cookies, { session: { value: 'abc' } });
    assert.deepEqual(reads, []);
  });

  test('an event without cookies or parameters is fine', async () => {
    const { handler } = loadFunction({ store: { secrets: SECRET } });
    const request = { method: 'GET', uri: '/', headers: {} };
    assert.equal(await handler({ request }), request);
  });
});

describe('preflights, with the code that the README offers', () => {
  const [, first] = readFileSync(new URL('../README.md', import.meta.url), 'utf8').match(/```js\n([^]*?)```/);
  const preflight = (origin, ...more) => ({ method: 'OPTIONS', target: '/api/orders', headers: [['Origin', origin], ['Access-Control-Request-Method', 'POST'], ...more] });

  test('of an admitted origin are answered at the edge', async () => {
    const { result } = await run(preflight('https://app.example.com'), { first });
    assert.equal(result.statusCode, 204);
    assert.equal(result.headers['access-control-allow-origin'].value, 'https://app.example.com');
  });
  test('of others, and all else, go their usual way', async () => {
    const others = [
      preflight('https://evil.example.net'), { method: 'OPTIONS', target: '/api/orders' },
      { method: 'OPTIONS', target: '/', headers: [['Origin', 'https://app.example.com']] },
      { method: 'POST', target: '/api/orders', headers: [['Origin', 'https://app.example.com']] },
    ];
    for (const request of others) {
      const { result } = await run(request, { first });
      assert.equal(result.statusCode, undefined);
      assert.equal(sentHeader(result), undefined);
    }
  });
});

describe('the link', () => {
  test('sets a cookie and leads to the clean address', async () => {
    const { result } = await run({ target: `/?maintenance-bypass=${SECRET}` });
    assert.equal(result.statusCode, 302);
    assert.equal(location(result), '/');
    assert.equal(result.headers['cache-control'].value, 'no-store');
    assert.equal(result.headers['referrer-policy'].value, 'no-referrer');
    assert.equal(result.cookies[COOKIE].attributes, `Path=/; Max-Age=${TWELVE_HOURS}; Secure; HttpOnly; SameSite=Lax`);
  });

  test('never gives the secret away', async () => {
    const { result } = await run({ target: `/?maintenance-bypass=${SECRET}` });
    assert.ok(!JSON.stringify(result).includes(SECRET));
  });

  test('works on any page and keeps the other parameters in order', async () => {
    const { result } = await run({ target: `/a/b%20c?x=1&x=2&maintenance-bypass=${SECRET}&y=&z&q=a%26b+c&list[]=%E2%82%AC&x=3` });
    assert.equal(location(result), '/a/b%20c?x=1&x=2&y=&z&q=a%26b+c&list[]=%E2%82%AC&x=3');
  });

  test('works for HEAD', async () => {
    const { result } = await run({ method: 'HEAD', target: `/?maintenance-bypass=${SECRET}` });
    assert.ok(result.cookies[COOKIE].value);
  });

  test('ignores case in the secret, as the load balancer does, and in the name', async () => {
    assert.ok((await run({ target: `/?Maintenance-Bypass=${SECRET.toUpperCase()}` })).result.cookies);
  });

  test('accepts the older of two secrets', async () => {
    const { result } = await run({ target: `/?maintenance-bypass=${OLDER}` }, { store: { secrets: ` ${SECRET} , ${OLDER} ` } });
    assert.ok(result.cookies[COOKIE].value);
  });

  test('signs out', async () => {
    const cookie = await cookieFor(SECRET);
    const { result } = await run({ target: '/page?maintenance-bypass=off&a=1', headers: [['Cookie', `${COOKIE}=${cookie}`]] });
    assert.equal(result.statusCode, 302);
    assert.equal(location(result), '/page?a=1');
    assert.deepEqual(result.cookies[COOKIE], { value: '', attributes: 'Path=/; Max-Age=0; Secure; HttpOnly; SameSite=Lax' });
  });

  for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS']) {
    test(`does nothing for ${method} but never reaches the application`, async () => {
      const { result } = await run({ method, target: `/form?maintenance-bypass=${SECRET}&a=1` });
      assert.equal(result.statusCode, undefined);
      assert.deepEqual(result.querystring, { a: { value: '1' } });
      assert.equal(sentHeader(result), undefined);
    });
  }
});

describe('a wrong link leads to the clean address and sets nothing', () => {
  const wrong = {
    empty: '', other: 'a-wrong-secret-0123456789', 'one short': SECRET.slice(0, -1), 'one long': `${SECRET}0`, star: '*', stars: '*'.repeat(40),
    'question marks': '?'.repeat(40), undefined: 'undefined', null: 'null', object: '[object Object]', true: 'true',
    'very long': 'a'.repeat(8000), 'percent-encoded': encodeURIComponent(SECRET).replace('5', '%35'), comma: `${SECRET},${SECRET}`, spaces: `%20${SECRET}`,
    'look-alike': SECRET.replace('c', '\u0441'), nul: `${SECRET}%00`, 'line break': `${SECRET}%0d%0aset-cookie:%20a=b`,
  };
  for (const [name, value] of Object.entries(wrong)) {
    test(name, async () => {
      const { result } = await run({ target: `/?maintenance-bypass=${value}` });
      assert.equal(result.statusCode, 302);
      assert.equal(location(result), '/');
      assert.equal(result.cookies, undefined);
    });
  }

  for (const [name, store] of Object.entries({
    'no store': null, 'no secret in it': {}, 'an empty secret': { secrets: '' }, 'only commas': { secrets: ',,,' },
    'a wildcard as secret': { secrets: '*' }, 'a short secret': { secrets: 'short' }, 'not text': { secrets: undefined },
  })) {
    test(`${name}: nobody gets in`, async () => {
      const bad = store?.secrets ?? SECRET;
      const { result } = await run({ target: `/?maintenance-bypass=${bad}`, headers: [[HEADER, bad]] }, { store });
      assert.equal(result.statusCode, 302);
      assert.equal(result.cookies, undefined);
      assert.equal(sentHeader((await run({ headers: [[HEADER, bad]] }, { store })).result), undefined);
    });
  }

  test('a third secret in the store is none', async () => {
    const { result } = await run({ target: '/?maintenance-bypass=third-secret-0123456789' }, { store: { secrets: `${SECRET},${OLDER},third-secret-0123456789` } });
    assert.equal(result.cookies, undefined);
  });
});

describe('the way back stays on this site', () => {
  const targets = [
    '//evil.example/', '///evil.example/', '////evil.example', '/\\evil.example/', '\\\\evil.example', '\\/evil.example', '/\t/evil.example',
    '/\n/evil.example', '/%09/evil.example', '/%5cevil.example', '/.//evil.example', '/..//evil.example/', '/@evil.example', 'https://evil.example/',
    'javascript:alert(1)', '/ /evil.example', '', '*', '/\u2028/evil.example', '/#//evil.example', '/a\r\nset-cookie: b=c', '/\ud800', '/%', '/%zz',
  ];
  for (const target of targets) {
    test(JSON.stringify(target), async () => {
      for (const value of [SECRET, 'wrong', 'off']) {
        const { result } = await run({ target: `${target}?maintenance-bypass=${value}` });
        assert.match(location(result), /^\/(?![/\\])[\x21-\x7e]*$/);
        assert.equal(followed(result).origin, 'https://www.example.com');
      }
    });
  }

  const queries = [
    'next=https://evil.example/', '\r\nset-cookie: a=b', 'a=\r\n\r\n<script>alert(1)</script>', 'a="><script>', 'a=\u0000', 'a=\ud800', '%0d%0aset-cookie:a=b',
    '&&&', '=', '=b', 'a==b', '#//evil.example', '?a=b', '__proto__=1&constructor=2&toString=3', 'a=%', 'a=1;b=2',
  ];
  for (const query of queries) {
    test(`?${JSON.stringify(query)}`, async () => {
      const { result } = await run({ target: `/?maintenance-bypass=${SECRET}&${query}` });
      assert.match(location(result), /^\/[\x21-\x7e]*$/);
      assert.ok(!/[<>"\s#\\]/.test(location(result)));
      assert.equal(followed(result).origin, 'https://www.example.com');
      assert.ok(result.cookies[COOKIE].value);
    });
  }

  test('a link within the way back is taken out too, however it is written', async () => {
    const { result } = await run({ target: `/?maintenance-bypass=${SECRET}&maintenance%2Dbypass=${SECRET}&MAINTENANCE-BYPASS=x&maintenance-bypass&a=1` });
    assert.equal(location(result), '/?a=1');
  });

  test('the redirect does not lead to another redirect', async () => {
    const first = await run({ target: `//x?maintenance-bypass=${SECRET}&maintenance-bypass=off&%=1` });
    const again = await run({ target: location(first.result) });
    assert.equal(again.result.statusCode, undefined);
  });
});

describe('the cookie', () => {
  test('of a right link adds the header and goes no further', async () => {
    const cookie = await cookieFor(SECRET);
    const { result } = await run({ target: '/', headers: [['Cookie', `session=abc; ${COOKIE}=${cookie}; b=2`]] });
    assert.equal(sentHeader(result), SECRET);
    assert.deepEqual(result.cookies, { session: { value: 'abc' }, b: { value: '2' } });
  });

  test('serves every method, since a form has to work as well', async () => {
    const cookie = await cookieFor(SECRET);
    assert.equal(sentHeader((await run({ method: 'POST', headers: [['Cookie', `${COOKIE}=${cookie}`]] })).result), SECRET);
  });

  test('is good to the last second and not after', async () => {
    const cookie = await cookieFor(SECRET);
    const at = async (seconds) => sentHeader((await run({ headers: [['Cookie', `${COOKIE}=${cookie}`]] }, { now: () => NOW + seconds * 1000 })).result);
    assert.equal(await at(TWELVE_HOURS - 1), SECRET);
    assert.equal(await at(TWELVE_HOURS), undefined);
    assert.equal(await at(TWELVE_HOURS + 1), undefined);
  });

  test('dies with its secret, and brings its own secret while there are two', async () => {
    const cookie = await cookieFor(OLDER);
    const headers = [['Cookie', `${COOKIE}=${cookie}`]];
    assert.equal(sentHeader((await run({ headers }, { store: { secrets: `${SECRET},${OLDER}` } })).result), OLDER);
    assert.equal(sentHeader((await run({ headers }, { store: { secrets: SECRET } })).result), undefined);
  });

  test('is found among copies, and in lower case', async () => {
    const cookie = await cookieFor(SECRET);
    assert.equal(sentHeader((await run({ headers: [['Cookie', `${COOKIE}=wrong; ${COOKIE}=${cookie}`]] })).result), SECRET);
    assert.equal(sentHeader((await run({ headers: [['Cookie', `${COOKIE.toLowerCase()}=${cookie}`]] })).result), SECRET);
  });

  test('forged is stripped', async () => {
    const good = await cookieFor(SECRET);
    const [expires, mark] = good.split('.');
    const far = String(Number(expires) + 1);
    const forged = [
      '', '.', SECRET, `${far}.${mark}`, `${expires}.${mark.toUpperCase()}`, `${expires}.${'0'.repeat(64)}`, `${expires}.${mark}0`, ` ${good}`, `${good} `, `"${good}"`,
      `9999999999.${mark}`, `0000000000.${mark}`, `${expires}.`, expires, `${expires}.${mark}.${mark}`, `1e9.${mark}`, `-${expires}.${mark}`, 'a'.repeat(8000), '__proto__',
      `${expires}.${crypto.createHmac('sha256', '').update(`maintenance-bypass until ${expires}`).digest('hex')}`,
      `${expires}.${crypto.createHmac('sha256', 'undefined').update(`maintenance-bypass until ${expires}`).digest('hex')}`,
    ];
    for (const value of forged) {
      for (const store of [{ secrets: SECRET }, {}, null]) {
        const { result } = await run({ headers: [['Cookie', `${COOKIE}=${value}`]] }, { store });
        assert.equal(sentHeader(result), undefined, value);
        assert.deepEqual(result.cookies, {}, value);
      }
    }
  });

  test('sealed for longer than a link gives is stripped', async () => {
    const expires = String(NOW / 1000 + TWELVE_HOURS + 1);
    const value = `${expires}.${crypto.createHmac('sha256', SECRET).update(`maintenance-bypass until ${expires}`).digest('hex')}`;
    assert.equal(sentHeader((await run({ headers: [['Cookie', `${COOKIE}=${value}`]] })).result), undefined);
  });
});

describe('the header', () => {
  test('that is right goes on, once', async () => {
    const { result } = await run({ headers: [[HEADER, SECRET]] });
    assert.deepEqual(result.headers[HEADER], { value: SECRET });
  });

  test('that is right in another case goes on', async () => {
    assert.equal(sentHeader((await run({ headers: [['X-Maintenance-BYPASS', SECRET.toUpperCase()]] })).result), SECRET);
  });

  test('keeps the secret that it proved while there are two', async () => {
    assert.equal(sentHeader((await run({ headers: [[HEADER, OLDER]] }, { store: { secrets: `${SECRET},${OLDER}` } })).result), OLDER);
  });

  test('that is wrong is stripped', async () => {
    for (const value of ['', '*', '?', 'wrong', `${SECRET}*`, `*${SECRET.slice(1)}`, `${SECRET}, ${SECRET}`, ` ${SECRET}`, 'a'.repeat(8000), '\u212a'.repeat(40)]) {
      const { result } = await run({ headers: [[HEADER, value], ['accept', '*/*']] });
      assert.deepEqual(Object.keys(result.headers), ['accept'], value);
    }
  });

  test('in letters that only become the right ones in lower case is stripped', async () => {
    // The Kelvin sign's lower case is a plain k.
    assert.equal(sentHeader((await run({ headers: [[HEADER, '\u212a'.repeat(20)]] }, { store: { secrets: 'k'.repeat(20) } })).result), undefined);
  });

  test('among wrong copies goes on alone, and behind too many does not', async () => {
    const copies = (wrong) => [...Array.from({ length: wrong }, () => [HEADER, 'wrong']), [HEADER, SECRET]];
    assert.deepEqual((await run({ headers: copies(3) })).result.headers[HEADER], { value: SECRET });
    assert.equal(sentHeader((await run({ headers: copies(200) })).result), undefined);
  });

  test('may have another name', async () => {
    const options = { header: 'X-Let-Me-In' };
    assert.equal((await run({ headers: [['x-let-me-in', SECRET]] }, options)).result.headers['x-let-me-in'].value, SECRET);
    assert.equal((await run({ headers: [['x-let-me-in', 'wrong']] }, options)).result.headers['x-let-me-in'], undefined);
    assert.equal(sentHeader((await run({ headers: [[HEADER, 'not ours']] }, options)).result), 'not ours');
  });

  test('does not help a wrong link, nor does a wrong link hurt', async () => {
    const { result } = await run({ target: '/?maintenance-bypass=wrong', headers: [[HEADER, SECRET]] });
    assert.equal(result.statusCode, 302);
    assert.equal(result.cookies, undefined);
  });
});

describe('the source', () => {
  const source = readFileSync(new URL('../functions/bypass.js', import.meta.url), 'utf8');

  test('fits into a CloudFront Function', () => assert.ok(Buffer.byteLength(source) < 10 * 1024));

  test('has one placeholder and nothing else that a template would substitute', () => {
    assert.deepEqual(source.match(/\$\{[^}]*\}/g), ['${BypassHeaderName}']);
  });

  test('keeps to what the runtime knows', () => {
    const code = source.replace(/^\s*\/\/.*$/gm, '');
    for (const [name, pattern] of Object.entries({
      'optional chaining': /\?\.[^\d]/, 'nullish coalescing': /\?\?/, spread: /\.\.\./, 'for-of': /\bfor\s*\([^)]*\bof\b/, destructuring: /\b(const|let|var)\s*[[{]/,
      class: /\bclass\b/, template: /`/, promise: /\bPromise\b|\.then\(|\.catch\(/, eval: /\beval\b|new Function/, console: /\bconsole\b/,
    })) assert.doesNotMatch(code, pattern, name);
  });

  // The nearest thing to CloudFront's engine that can be installed: it has the same gaps in the language.
  test('runs in njs', () => {
    const folder = mkdtempSync(path.join(os.tmpdir(), 'bypass-'));
    try {
      writeFileSync(path.join(folder, 'cloudfront'), `export default { kvs: function () { return { get: async function (key) { return '${SECRET}'; } }; } };\n`);
      writeFileSync(path.join(folder, 'main.js'), `${source.replace('${BypassHeaderName}', HEADER)}
function event(query, cookies) {
  return { request: { method: 'GET', uri: '/a', headers: {}, cookies: cookies, querystring: query ? { 'maintenance-bypass': { value: query } } : {},
    rawQueryString: function () { return query ? 'b=1&maintenance-bypass=' + query : undefined; } } };
}
async function main() {
  const link = await handler(event('${SECRET}', {}));
  const wrong = await handler(event('a-wrong-secret-0123456789', {}));
  const tester = await handler(event('', { '${COOKIE}': { value: link.cookies['${COOKIE}'].value } }));
  console.log(JSON.stringify([link.headers.location.value, wrong.cookies === undefined, tester.headers['${HEADER}'].value, Object.keys(tester.cookies).length]));
}
main();
`);
      let printed;
      try {
        printed = execFileSync('njs', ['-p', folder, path.join(folder, 'main.js')], { encoding: 'utf8', timeout: 10_000 });
      } catch (error) {
        if (error.code === 'ENOENT') assert.fail('njs is missing: apt-get install -y njs');
        throw error;
      }
      assert.deepEqual(JSON.parse(printed), ['/a?b=1', true, SECRET, 0]);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
