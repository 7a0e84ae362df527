// Lets testers through maintenance with a link, and keeps everybody else from trying.
//
// Runs at the edge on every viewer request, in CloudFront's JavaScript runtime 2.0: that is ES 5.1
// with const, let, async and await, so no destructuring, spread, for-of or optional chaining.
// The template holds a copy of this file and fills in the one placeholder below.
import crypto from 'crypto';
import cf from 'cloudfront';

const HEADER = '${BypassHeaderName}'.toLowerCase();
const LINK = 'maintenance-bypass';
const SIGN_OUT = 'off';
// The prefix makes browsers refuse such a cookie from a sibling domain or over plain HTTP.
const COOKIE = '__Host-maintenance-bypass';
const COOKIE_SECONDS = 12 * 60 * 60;
// A request with more copies than this is nobody's tester; reading on would only cost time.
const MOST_COPIES = 4;
const SECRET = /^[A-Za-z0-9_-]{16,128}$/;
const SEALED = /^([0-9]{10})\.([0-9a-f]{64})$/;

async function handler(event) {
  const request = event.request;
  const headers = take(request.headers, HEADER);
  const cookies = take(request.cookies, COOKIE);
  const links = take(request.querystring, LINK);
  if (headers.length + cookies.length + links.length === 0) {
    return request;
  }
  const secrets = await readSecrets();
  const reading = request.method === 'GET' || request.method === 'HEAD';
  if (links.length > 0 && reading) {
    return answerLink(request, links, secrets);
  }
  const secret = proven(headers, secrets) || unsealed(cookies, secrets);
  if (secret) {
    request.headers[HEADER] = { value: secret };
  }
  return request;
}

// Removes every entry of that name, in whatever case, and answers the values it had.
// What is taken is never forwarded: a right value comes back as the header, a wrong one is gone,
// and the application sees neither the cookie nor the link.
function take(entries, name) {
  const values = [];
  const names = Object.keys(entries || {});
  for (let i = 0; i < names.length; i++) {
    if (names[i].toLowerCase() === name.toLowerCase()) {
      const entry = entries[names[i]];
      const copies = entry.multiValue || [entry];
      for (let j = 0; j < copies.length && values.length < MOST_COPIES; j++) {
        values.push(String(copies[j].value));
      }
      delete entries[names[i]];
    }
  }
  return values;
}

// One secret, or two separated by a comma while testers move to a new one.
// Without a readable store nobody is let through.
async function readSecrets() {
  try {
    const text = await cf.kvs().get('secrets');
    const all = String(text).split(',');
    const good = [];
    for (let i = 0; i < all.length && good.length < 2; i++) {
      if (SECRET.test(all[i].trim())) {
        good.push(all[i].trim());
      }
    }
    return good;
  } catch (error) {
    return [];
  }
}

function answerLink(request, links, secrets) {
  if (links.indexOf(SIGN_OUT) !== -1) {
    return redirect(request, '', 0);
  }
  const secret = proven(links, secrets);
  if (!secret) {
    return redirect(request);
  }
  const expires = String(Math.floor(Date.now() / 1000) + COOKIE_SECONDS);
  return redirect(request, expires + '.' + seal(secret, expires), COOKIE_SECONDS);
}

// The secret that one of the values is, or nothing. The load balancer ignores case, so this does too.
function proven(values, secrets) {
  let found = '';
  for (let i = 0; i < values.length; i++) {
    const known = SECRET.test(values[i]);
    for (let j = 0; j < secrets.length; j++) {
      if (known && same(digest(values[i].toLowerCase()), digest(secrets[j].toLowerCase()))) {
        found = secrets[j];
      }
    }
  }
  return found;
}

// The secret that sealed one of the cookies, if its time is not up, or nothing.
function unsealed(cookies, secrets) {
  const now = Date.now() / 1000;
  let found = '';
  for (let i = 0; i < cookies.length; i++) {
    const parts = SEALED.exec(cookies[i]);
    for (let j = 0; parts && j < secrets.length; j++) {
      const left = Number(parts[1]) - now;
      if (same(parts[2], seal(secrets[j], parts[1])) && left > 0 && left <= COOKIE_SECONDS) {
        found = secrets[j];
      }
    }
  }
  return found;
}

// A cookie shows when it ends and that someone with the secret made it, but not the secret: a copy
// taken from a browser is worth little after its time, and nothing once the secret is replaced.
function seal(secret, expires) {
  return crypto.createHmac('sha256', secret).update('maintenance-bypass until ' + expires).digest('hex');
}

function digest(text) {
  return crypto.createHash('sha256').update(text).digest('hex');
}

// Both are 64 hexadecimal digits. The runtime has no constant-time comparison of its own; this one
// looks at every digit whatever it finds.
function same(a, b) {
  let difference = a.length ^ b.length;
  for (let i = 0; i < b.length; i++) {
    difference |= a.charCodeAt(i) ^ b.charCodeAt(i);
  }
  return difference === 0;
}

// To the same address without the link, so that the secret does not stay in the address bar.
function redirect(request, cookie, seconds) {
  const response = {
    statusCode: 302,
    statusDescription: 'Found',
    headers: {
      location: { value: cleanAddress(request) },
      'cache-control': { value: 'no-store' },
      'referrer-policy': { value: 'no-referrer' },
    },
  };
  if (cookie !== undefined) {
    response.cookies = {};
    response.cookies[COOKIE] = {
      value: cookie,
      attributes: 'Path=/; Max-Age=' + seconds + '; Secure; HttpOnly; SameSite=Lax',
    };
  }
  return response;
}

// A path on this site and nothing else: two leading slashes, or a backslash or tab that a browser
// reads as one or skips, would make it another site's address.
function cleanAddress(request) {
  const path = '/' + printable(request.uri).replace(/^\/+/, '');
  const kept = [];
  const pairs = (request.rawQueryString() || '').split('&');
  for (let i = 0; i < pairs.length; i++) {
    if (pairs[i] !== '' && !isLink(pairs[i])) {
      kept.push(printable(pairs[i]));
    }
  }
  return kept.length > 0 ? path + '?' + kept.join('&') : path;
}

function isLink(pair) {
  const name = pair.split('=')[0];
  try {
    return decodeURIComponent(name).toLowerCase() === LINK;
  } catch (error) {
    return name.toLowerCase() === LINK;
  }
}

// Leaves what may stand in an address and percent-encodes the rest, line breaks included.
function printable(text) {
  return String(text).replace(/[^A-Za-z0-9\-._~:\/?@!$&'()*+,;=%\[\]]+/g, function (run) {
    try {
      return encodeURIComponent(run);
    } catch (error) {
      return '';
    }
  });
}
