// What the template promises, read from its text.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';

import { PAGES } from '../build.mjs';
import { publishedName } from './edge.mjs';

const read = (name) => readFileSync(new URL(`../${name}`, import.meta.url), 'utf8');
const template = read('template.yaml');
const readme = read('README.md');

// The lines that a heading opens, by their indentation; a heading of the whole template goes first.
function block(heading, text = template) {
  const lines = text.split('\n');
  const whole = lines.indexOf(heading);
  const at = whole === -1 ? lines.findIndex((line) => line.trim() === heading) : whole;
  assert.notEqual(at, -1, `${heading} is missing`);
  const deep = (line) => line.search(/\S/);
  const end = lines.findIndex((line, index) => index > at && line.trim() !== '' && deep(line) <= deep(lines[at]));
  return lines.slice(at + 1, end === -1 ? undefined : end).join('\n');
}

const resource = (name) => block(`${name}:`, block('Resources:'));
const parameter = (name) => block(`${name}:`, block('Parameters:'));
const value = (name, key) => parameter(name).match(new RegExp(`^ *${key}: "?(.*?)"?$`, 'm'))?.[1];
// A description as people read it, whether it stands on one line or several.
const description = (name) => parameter(name).replace(/\s+/g, ' ');

function takes(name, given) {
  return new RegExp(value(name, 'AllowedPattern')).test(given);
}

test('can be deployed without a bucket to stage it', () => assert.ok(Buffer.byteLength(template) < 51_200));

test('the version is the project\'s', () => {
  const project = read('../Cargo.toml').match(/^version = "(.+)"$/m)[1];
  assert.equal(block('Version:', block('Outputs:')).match(/Value: "(.*)"/)[1], project);
});

test('caches no error, whatever its code', () => {
  const responses = template.slice(template.indexOf('CustomErrorResponses:'), template.indexOf('\n  NoTargetAlarm:'));
  const codes = [...responses.matchAll(/ErrorCode: (\d+)/g)].map(([, code]) => code).sort();
  assert.deepEqual(codes, ['400', '403', '404', '405', '414', '416', '500', '501', '502', '503', '504']);
  assert.equal(responses.match(/ErrorCachingMinTTL: 0\b/g).length, codes.length);
  for (const code of Object.keys(PAGES)) assert.ok(responses.includes(`/errors/${code}.html`), code);
});

test('names of things outside any Region carry the Region, and fit with the longest stack name and Region', () => {
  // These types have their names for the whole account, not for a Region.
  const types = { OriginAccessControl: 64, CachePolicy: 128, ResponseHeadersPolicy: 128, KeyValueStore: 64, Function: 64 };
  const longest = Number(template.match(/may have at most (\d+) characters/)[1]);
  for (const [, name, type] of block('Resources:').matchAll(/^ {2}(\w+):\n {4}Type: AWS::CloudFront::(\w+)$/gm)) {
    if (type === 'Distribution') continue;
    const written = resource(name).match(/ Name: !Sub (.*)/)[1];
    assert.match(written, /\$\{AWS::StackName\}-\$\{AWS::Region\}-/, name);
    // The longest Region that there is has 14 characters.
    const named = written.replace('${AWS::StackName}', 's'.repeat(longest)).replace('${AWS::Region}', 'ap-northeast-1');
    assert.ok(named.length <= types[type], `${name}: ${named.length} characters`);
  }
  assert.ok(readme.includes(`at most ${longest} characters`));
});

describe('the load balancer', () => {
  test('that exists is offered before a new one', () => {
    assert.ok(template.indexOf('- ExistingLoadBalancerArn') < template.indexOf('- SubnetIds'));
    const deploy = readme.match(/aws cloudformation deploy[^]*?```/)[0];
    assert.match(deploy, /ExistingLoadBalancerArn=.* ExistingLoadBalancerDnsName=/);
    assert.match(deploy, /ListenerPort=8443/);
    assert.doesNotMatch(deploy, /SubnetIds/);
  });
  test('whose target group is given has to be the one that uses it', () => {
    assert.match(description('TargetGroupArn'), /serves one load balancer only/);
    assert.match(readme, /A target group serves one load balancer only/);
  });
  test('that is new needs two subnets at least', () => {
    const rule = block('LoadBalancer:', block('Rules:'));
    assert.match(rule, /Fn::Or:\s+- Fn::Not: \[Fn::Equals: \[!Ref ExistingLoadBalancerArn, ""\]\]\s+- Fn::Not: \[Fn::Equals: \[!Ref SubnetIds, ""\]\]/);
    assert.equal(value('SubnetIds', 'Type'), 'String', 'a list cannot be compared in a rule');
    for (const good of ['', 'subnet-0a1b2c3d,subnet-0123456789abcdef0']) assert.ok(takes('SubnetIds', good), good);
    for (const bad of ['subnet-0a1b2c3d', 'subnet-0a1b2c3d, subnet-0123456789abcdef0', ',', 'subnet-0a1b2c3d,']) assert.ok(!takes('SubnetIds', bad), bad);
    assert.match(resource('LoadBalancer'), /Subnets: !Split \[",", !Ref SubnetIds\]/);
  });
  test('listens only where CloudFront connects', () => {
    const refused = [80, 442, 444, 1023, 65536, 99999].map(String).concat('', '8443.5', '0443', '-443');
    for (const port of refused) assert.ok(!takes('ListenerPort', port), port);
    let taken = 0;
    for (let port = 0; port < 70_000; port++) if (takes('ListenerPort', String(port))) taken++;
    assert.equal(taken, 1 + 65_535 - 1024 + 1);
    assert.ok(takes('ListenerPort', value('ListenerPort', 'Default')));
  });
});

describe('the origin lock', () => {
  const [old, next] = ['an-old-lock-value-01', 'a-new-lock-value-012'];
  test('takes one value, two, or none', () => {
    for (const good of ['', old, `${old},${next}`]) assert.ok(takes('OriginLockValue', good), good);
    for (const bad of [`${old},`, `,${old}`, `${old},${next},${old}`, `${old}, ${next}`, 'short', 'with-a-wildcard-in-it*']) assert.ok(!takes('OriginLockValue', bad), bad);
  });
  test('is sent as its first value and demanded as any of them', () => {
    assert.match(resource('Distribution'), /HeaderName: x-origin-lock\s+HeaderValue: !Select \[0, !Split \[",", !Ref OriginLockValue\]\]/);
    assert.match(resource('ForwardingRule'), /HttpHeaderName: x-origin-lock\s+Values: !Split \[",", !Ref OriginLockValue\]/);
  });
  test('can be sent before it is demanded', () => {
    assert.match(resource('ForwardingRule'), /- RuleDemandsLock\s+- Field: http-header/);
    assert.match(block('RuleDemandsLock: !And'), /!Condition OriginLock\s+- !Equals \[!Ref OriginLockDemanded, "true"\]/);
    assert.match(resource('Distribution'), /OriginCustomHeaders: !If\s+- OriginLock\n/);
  });
  test('is replaced and begun in a documented order, and never during a window', () => {
    assert.match(description('OriginLockValue'), /OLD,NEW, then NEW,OLD, then NEW, each time after the update before is complete and with no window active/);
    const steps = ['$OLD,$NEW', '$NEW,$OLD', 'OriginLockValue="$NEW"'].map((step) => readme.indexOf(step));
    assert.deepEqual(steps.toSorted((a, b) => a - b), steps);
    assert.ok(steps[0] > 0);
    assert.match(readme, /`OriginLockDemanded=false`, then with `true`/);
  });
});

describe('the bucket', () => {
  test('outlives its stack, but not a creation that failed', () => {
    assert.match(resource('ErrorBucket'), /^ {4}DeletionPolicy: RetainExceptOnCreate\n {4}UpdateReplacePolicy: Retain$/m);
  });
  test('answers for the pages and the expected end and for nothing else', () => {
    const patterns = [...resource('Distribution').matchAll(/PathPattern: (\S+)/g)].map(([, pattern]) => pattern);
    assert.deepEqual(patterns, ['/errors/*.html', '/errors/window.json', '/errors/upcoming.json', '/errors/maintenance.ics', '/errors/banner.js']);
    const matches = (path) => patterns.some((pattern) => new RegExp(`^${pattern.replaceAll('.', '\\.').replaceAll('*', '.*')}$`).test(path));
    const paths = ['/errors/503.html', '/errors/window.json', '/errors/', '/errors/42', '/errors/report.json', '/errors/window.jsonp', '/my/errors/503.html', '/errors/upcoming.json', '/errors/maintenance.ics', '/errors/banner.js', '/errors/banner.json'];
    assert.deepEqual(paths.filter(matches), ['/errors/503.html', '/errors/window.json', '/errors/upcoming.json', '/errors/maintenance.ics', '/errors/banner.js']);
    for (const path of paths) assert.equal(publishedName(path) !== null, matches(path), `the tests' edge and the template disagree on ${path}`);
  });
});

describe('the feeds', () => {
  const behaviours = resource('Distribution').split('- PathPattern: ').slice(1);
  test('may be read by other sites, and say nothing of errors', () => {
    const feeds = behaviours.filter((behaviour) => behaviour.includes('ResponseHeadersPolicyId: !Ref FeedHeaders')).map((behaviour) => behaviour.split('\n')[0]);
    assert.deepEqual(feeds, ['/errors/upcoming.json', '/errors/maintenance.ics', '/errors/banner.js']);
    const policy = resource('FeedHeaders');
    assert.match(policy, /AccessControlAllowOrigins: \{ Items: \["\*"\] \}/);
    assert.match(policy, /AccessControlAllowCredentials: false/);
    assert.doesNotMatch(policy, /Retry-After/);
  });
  test('are no older at the edge than the pages', () => {
    for (const behaviour of behaviours) assert.match(behaviour, /CachePolicyId: !Ref ErrorCachePolicy/);
  });
});

describe('the distribution', () => {
  test('waits for the application as long as it is told', () => {
    assert.match(resource('Distribution'), /OriginReadTimeout: !Ref ResponseTimeout/);
    assert.deepEqual(['Type', 'Default', 'MinValue', 'MaxValue'].map((key) => value('ResponseTimeout', key)), ['Number', '30', '1', '120']);
  });
  test('asks for compression only where its cache policy allows any', () => {
    const [behaviour] = block('DefaultCacheBehavior:').split('CacheBehaviors:');
    assert.match(behaviour, /Compress: !If \[Caching, true, false\]/);
    for (const policy of ['ErrorCachePolicy', 'DisasterCachePolicy']) assert.match(resource(policy), /EnableAcceptEncodingGzip: true/);
  });
  test('keeps nothing of the application\'s unless caching is asked for', () => {
    assert.equal(value('DisasterCaching', 'Default'), 'false');
    // CloudFront's own policy CachingDisabled.
    assert.match(block('DefaultCacheBehavior:'), /CachePolicyId: !If \[Caching, !Ref DisasterCachePolicy, 4135ea2d-6df8-44a3-9df3-4b5a84be39ad\]/);
    assert.match(resource('DisasterCachePolicy'), /^ {4}Condition: Caching$/m);
  });
  test('then keeps only what the application allows, apart for testers', () => {
    const policy = resource('DisasterCachePolicy');
    // A minimum above nought would keep "private" and "no-store" too.
    assert.match(policy, /MinTTL: 0\n/);
    assert.match(policy, /DefaultTTL: 0\n/);
    assert.match(policy, /Headers: \[Host, Authorization, Origin, !Ref BypassHeaderName\]/);
    assert.match(policy, /QueryStringBehavior: all/);
  });
});

describe('the alarms', () => {
  const alarms = [...block('Resources:').matchAll(/^ {2}(\w+):\n {4}Type: AWS::CloudWatch::Alarm$/gm)].map(([, name]) => name);
  test('are there where a topic is given, and those of CloudFront where its figures are', () => {
    assert.deepEqual(alarms, ['NoTargetAlarm', 'CertificateAlarm', 'EdgeCertificateAlarm', 'BypassErrorAlarm', 'BypassTimeAlarm']);
    for (const name of alarms) {
      const alarm = resource(name);
      assert.match(alarm, /^ {6}AlarmActions: \[!Ref AlarmTopicArn\]$/m, name);
      assert.match(alarm, /^ {4}Condition: (Alarms|AcmCertificateAlarm|EdgeAlarms)$/m, name);
      if (/AWS\/CloudFront|EdgeCertificateArn/.test(alarm)) assert.match(alarm, /^ {4}Condition: EdgeAlarms$/m, name);
    }
    assert.match(block('EdgeAlarms: !And'), /!Equals \[!Ref AWS::Region, us-east-1\]/);
  });
  test('name the function as it is named', () => {
    const named = resource('BypassFunction').match(/Name: (!Sub .*)/)[1];
    for (const name of ['BypassErrorAlarm', 'BypassTimeAlarm']) assert.ok(resource(name).includes(`- Name: FunctionName\n          Value: ${named}\n`), name);
  });
  test('name the existing load balancer and target group as CloudWatch does', () => {
    const alarm = resource('NoTargetAlarm');
    assert.match(alarm, /Statistic: Maximum/);
    const cut = (pattern, arn) => {
      const [, at, by] = alarm.match(pattern);
      return arn.split(by)[Number(at)];
    };
    const start = 'arn:aws:elasticloadbalancing:eu-west-1:123456789012';
    assert.equal(cut(/!Select \[(\d), !Split \["(.*)", !Ref ExistingLoadBalancerArn\]\]/, `${start}:loadbalancer/app/shop/50dc6c495c0c9188`), 'app/shop/50dc6c495c0c9188');
    assert.equal(cut(/!Select \[(\d), !Split \["(.*)", !Ref TargetGroupArn\]\]/, `${start}:targetgroup/shop/73e2d6bc24d8a067`), 'targetgroup/shop/73e2d6bc24d8a067');
  });
  test('are explained where people look', () => {
    for (const alarm of alarms) {
      const name = resource(alarm).match(/AlarmName: !Sub \$\{AWS::StackName\}-(.*)/)[1];
      assert.ok(readme.includes(`\`${name}\``), name);
    }
  });
});

test('every parameter stands in a group that people see, and the README knows it', () => {
  const groups = block('ParameterGroups:');
  for (const [, name] of block('Parameters:').matchAll(/^ {2}(\w+):$/gm)) {
    assert.match(groups, new RegExp(`\\b${name}\\b`), name);
    assert.match(readme, new RegExp(`\\b${name}\\b`), name);
  }
});
