// A small CloudFront for tests: it runs the bypass function on each request, forwards to an origin,
// puts an error page in an error's place and keeps the code, and serves the pages under errors/ from
// a folder.
// It caches nothing, as the template asks.
//
// As a command, in front of a load balancer on this machine:
//   node tests/edge.mjs --origin http://127.0.0.1:8081 --secret SECRET [--port 8080] [--pages DIR] [--header NAME]
import crypto from 'node:crypto';
import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import http from 'node:http';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const site = new URL('../', import.meta.url);

// The function as deployed: its placeholder filled in, its two imports given. `store` is the key value
// store's content, or null for one that cannot be read.
// `first` is code of an owner's own at the beginning of the handler.
export function loadFunction({ header = 'x-maintenance-bypass', store = {}, now = Date.now, first = '' } = {}) {
  const source = readFileSync(new URL('functions/bypass.js', site), 'utf8')
    .replace("import crypto from 'crypto';", '')
    .replace("import cf from 'cloudfront';", '')
    .replace('${BypassHeaderName}', header)
    .replace('async function handler(event) {', (head) => `${head}\n${first}`);
  const reads = [];
  const cf = {
    kvs: () => {
      if (store === null) throw new Error('no key value store');
      return {
        get: async (key) => {
          reads.push(key);
          if (!(key in store)) throw new Error('KeyNotFound');
          return store[key];
        },
      };
    },
  };
  class FixedDate extends Date { static now() { return now(); } }
  const handler = new Function('crypto', 'cf', 'Date', `${source}\nreturn handler;`)(crypto, cf, FixedDate);
  return { handler, reads };
}

// CloudFront's shape for things that may occur several times.
export function multi(pairs, fold = (name) => name) {
  const entries = Object.create(null);
  for (const [name, value] of pairs) {
    const key = fold(name);
    if (!(key in entries)) entries[key] = { value };
    else {
      entries[key].multiValue ??= [{ value: entries[key].value }];
      entries[key].multiValue.push({ value });
      entries[key].value = value;
    }
  }
  return { ...entries };
}

export function eventFor({ method = 'GET', target = '/', headers = [] }) {
  const [uri, ...rest] = target.split('?');
  const raw = rest.length > 0 ? rest.join('?') : undefined;
  const cookies = headers.filter(([name]) => name.toLowerCase() === 'cookie').flatMap(([, value]) => value.split(/; */))
    .filter(Boolean).map((pair) => [pair.split('=')[0], pair.slice(pair.indexOf('=') + 1)]);
  return {
    version: '1.0',
    context: { distributionDomainName: 'd111111abcdef8.cloudfront.net', distributionId: 'EDFDVBD6EXAMPLE', eventType: 'viewer-request', requestId: 'example' },
    viewer: { ip: '127.0.0.1' },
    request: {
      method,
      uri,
      querystring: multi((raw || '').split('&').filter(Boolean).map((pair) => [pair.split('=')[0], pair.includes('=') ? pair.slice(pair.indexOf('=') + 1) : ''])),
      headers: multi(headers.filter(([name]) => name.toLowerCase() !== 'cookie'), (name) => name.toLowerCase()),
      cookies: multi(cookies),
      rawQueryString: () => raw,
    },
  };
}

const values = (entries) => Object.entries(entries).flatMap(([name, entry]) => (entry.multiValue || [entry]).map(({ value }) => [name, value]));

function flat(rawHeaders) {
  const pairs = [];
  for (let i = 0; i < rawHeaders.length; i += 2) pairs.push([rawHeaders[i], rawHeaders[i + 1]]);
  return pairs;
}

// What the bucket answers for, as the template's behaviours say; null for what is the application's.
export function publishedName(path) {
  const [, name] = /^\/errors\/(.*\.html|window\.json|upcoming\.json|maintenance\.ics|banner\.js)$/.exec(path) || [];
  return name === undefined ? null : name;
}

// `pages` answers what is under errors/: a folder, or a function from a name to a Buffer or null.
export async function startEdge({ origin, secret, header, pages = fileURLToPath(new URL('errors/', site)), codes = [503], port = 0, host = '127.0.0.1' }) {
  const { handler } = loadFunction({ header, store: secret === undefined ? {} : { secrets: secret } });
  const log = [];
  const page = typeof pages === 'function' ? pages : (name) => readFile(path.join(pages, path.basename(name))).catch(() => null);
  const upstream = new URL(origin);

  // What announces maintenance, with the headers that it is stored with and those of the template's policy.
  const FEEDS = {
    'upcoming.json': ['application/json', 'public, max-age=60'],
    'maintenance.ics': ['text/calendar; charset=utf-8', 'public, max-age=60'],
    'banner.js': ['text/javascript; charset=utf-8', 'public, max-age=3600'],
  };

  async function serveErrors(name, status, method, response) {
    const content = await page(name);
    if (content === null) {
      response.writeHead(403, { 'content-type': 'application/xml' }).end('<Error><Code>AccessDenied</Code></Error>');
      return;
    }
    if (name in FEEDS) {
      const [type, cache] = FEEDS[name];
      response.writeHead(status, {
        'content-type': type, 'content-length': content.length, 'cache-control': cache,
        'x-robots-tag': 'noindex', 'x-content-type-options': 'nosniff', 'access-control-allow-origin': '*',
      }).end(method === 'HEAD' ? undefined : content);
      return;
    }
    const type = name.endsWith('.json') ? 'application/json' : 'text/html; charset=utf-8';
    response.writeHead(status, {
      'content-type': type, 'content-length': content.length, 'cache-control': 'no-store', 'retry-after': '300',
      'x-robots-tag': 'noindex', 'x-content-type-options': 'nosniff', 'x-frame-options': 'SAMEORIGIN', 'referrer-policy': 'no-referrer',
      'x-cache': status === 200 ? 'Miss from cloudfront' : 'Error from cloudfront',
    }).end(method === 'HEAD' ? undefined : content);
  }

  const server = http.createServer(async (request, response) => {
    log.push({ method: request.method, url: request.url });
    try {
      const bare = request.url.split('?')[0];
      const published = publishedName(bare);
      if (published !== null) {
        await serveErrors(published, 200, request.method, response);
        return;
      }
      const event = eventFor({ method: request.method, target: request.url, headers: flat(request.rawHeaders) });
      const result = await handler(event);
      if (result.statusCode) {
        const headers = values(result.headers).flat();
        for (const [name, cookie] of Object.entries(result.cookies || {})) headers.push('set-cookie', `${name}=${cookie.value}; ${cookie.attributes}`);
        response.writeHead(result.statusCode, headers).end();
        return;
      }
      const query = values(result.querystring).map(([name, value]) => (value === '' ? name : `${name}=${value}`)).join('&');
      const headers = values(result.headers).flat();
      const cookies = values(result.cookies).map(([name, value]) => `${name}=${value}`).join('; ');
      if (cookies) headers.push('cookie', cookies);
      const forwarded = http.request({
        host: upstream.hostname, port: upstream.port, method: result.method,
        path: query ? `${result.uri}?${query}` : result.uri, headers, setHost: false,
      }, (answer) => {
        if (codes.includes(answer.statusCode)) {
          answer.resume();
          serveErrors(`${answer.statusCode}.html`, answer.statusCode, request.method, response);
          return;
        }
        response.writeHead(answer.statusCode, [...answer.rawHeaders, 'x-cache', 'Miss from cloudfront']);
        answer.pipe(response);
      });
      forwarded.on('error', () => (codes.includes(502) ? serveErrors('502.html', 502, request.method, response) : response.writeHead(502).end()));
      request.pipe(forwarded);
    } catch (error) {
      response.writeHead(500).end(String(error));
    }
  });
  await new Promise((resolve, reject) => server.once('error', reject).listen(port, host, resolve));
  return {
    url: `http://localhost:${server.address().port}`,
    log,
    close: () => new Promise((resolve) => { server.close(resolve); server.closeAllConnections(); }),
  };
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const option = (name, fallback) => {
    const at = process.argv.indexOf(`--${name}`);
    return at === -1 ? fallback : process.argv[at + 1];
  };
  const edge = await startEdge({
    origin: option('origin'), secret: option('secret'), header: option('header'), pages: option('pages'), port: Number(option('port', '0')),
  });
  console.log(edge.url);
}
