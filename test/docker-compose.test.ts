/** What must hold of the container files, checked without a container engine. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { test } from 'node:test';
import { parse } from 'yaml';
import * as z from 'zod';
import { durationValue } from '../src/client/options/flag-values.ts';
import { DEFAULT_OUTPUT_DIR, limitDefaults } from '../src/client/options/run-defaults.ts';
import { largeLimits } from '../src/temporal-server/server-process.ts';
import { searchAttributes } from '../src/workflows/display/search-attributes.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const textOf = (name: string): string => readFileSync(new URL(`../${name}`, import.meta.url), 'utf8');

const serviceSchema = z.looseObject({
  image: z.string(),
  build: z.string().optional(),
  command: z.array(z.string()).default([]),
  environment: z.record(z.string(), z.union([z.string(), z.null()])).default({}),
  ports: z.array(z.string()).default([]),
  volumes: z.array(z.string()).default([]),
  depends_on: z.record(z.string(), z.object({ condition: z.string() })).default({}),
  healthcheck: z.looseObject({ test: z.array(z.string()) }).optional(),
  restart: z.string().optional(),
  profiles: z.array(z.string()).default([]),
  init: z.boolean().default(false),
  stop_grace_period: z.string().optional(),
  read_only: z.boolean().default(false),
  tmpfs: z.array(z.string()).default([]),
  cap_drop: z.array(z.string()).default([]),
  cap_add: z.array(z.string()).default([]),
  security_opt: z.array(z.string()).default([]),
  privileged: z.boolean().default(false),
  user: z.string().optional(),
});
const composeText = textOf('docker-compose.yml');
const compose = z
  .looseObject({
    services: z.record(z.string(), serviceSchema),
    volumes: z.record(z.string(), z.null()),
  })
  .parse(parse(composeText, { merge: true }));

const names = [
  'postgresql',
  'temporal-schema',
  'temporal',
  'temporal-namespace',
  'temporal-ui',
  'worker',
  'client',
] as const;

function service(name: (typeof names)[number]) {
  const found = compose.services[name];
  assert.ok(found, `no service ${name}`);
  return found;
}

const composed = Object.entries(compose.services);

test('there are the services of a cluster, and no others', () => {
  assert.deepEqual(Object.keys(compose.services).sort(), [...names].sort());
});

/** As `temporalio/server:1.31.2`. */
const versionOf = (image: string): string => image.split('@')[0]!;

for (const [name, { image, build }] of composed) {
  const pinned = build === undefined ? /:[\w.-]+@sha256:[0-9a-f]{64}$/ : /:local$/;
  test(`the image of ${name} is ${build === undefined ? 'pinned by version and digest' : 'built here'}`, () => {
    assert.match(image, pinned);
  });
}

for (const [name, each] of composed) {
  test(`${name} writes to volumes and memory only, and has no privileges`, () => {
    const { read_only, cap_drop, cap_add, security_opt, privileged } = each;
    assert.deepEqual(
      { read_only, cap_drop, cap_add, security_opt, privileged },
      {
        read_only: true,
        cap_drop: ['ALL'],
        cap_add: [],
        security_opt: ['no-new-privileges:true'],
        privileged: false,
      },
    );
  });
}

test('what a read-only service must write has a place in memory', () => {
  assert.deepEqual(service('postgresql').tmpfs, ['/tmp', '/var/run/postgresql']);
  assert.equal(
    service('postgresql').user,
    'postgres',
    'root without capabilities could not give the volume away',
  );
  assert.deepEqual(service('temporal-ui').tmpfs, ['/home/ui-server/config']);
  for (const name of ['worker', 'client'] as const) {
    assert.deepEqual(service(name).tmpfs, ['/tmp']);
    assert.equal(service(name).environment['DURABATCH_HOME'], '/tmp/durabatch');
  }
});

test('server, tools and web page are the versions that are known to work together', () => {
  assert.equal(versionOf(service('temporal').image), 'temporalio/server:1.31.2');
  for (const name of ['temporal-schema', 'temporal-namespace'] as const) {
    assert.equal(versionOf(service(name).image), 'temporalio/admin-tools:1.31.2');
  }
  assert.equal(service('temporal-schema').image, service('temporal-namespace').image);
  assert.equal(versionOf(service('temporal-ui').image), 'temporalio/ui:2.34.0');
  assert.equal(versionOf(service('postgresql').image), 'postgres:16.13-bookworm');
});

test('nothing is published beyond this machine', () => {
  const ports = composed.flatMap(([, { ports: published }]) => published);
  assert.equal(ports.length, 2);
  for (const port of ports) assert.match(port, /^127\.0\.0\.1:/);
});

test('no secret is in the file: the password is asked for, the keys are passed through', () => {
  const secrets = composed.flatMap(([, { environment }]) =>
    Object.entries(environment).filter(([name]) => /PASSWORD|PWD|_KEY|TOKEN|SECRET/.test(name)),
  );
  assert.equal(secrets.length, 7);
  for (const [name, value] of secrets) {
    if (name.endsWith('_API_KEY')) assert.equal(value, null, name);
    else assert.match(value ?? '', /^\$\{POSTGRES_PASSWORD:\?[^}]+\}$/, name);
  }
});

test('data is kept in named volumes', () => {
  assert.deepEqual(Object.keys(compose.volumes).sort(), ['batches', 'postgresql']);
  const [mount, ...others] = service('postgresql').volumes;
  assert.equal(mount, 'postgresql:/var/lib/postgresql/data');
  assert.deepEqual(others, []);
});

test('services start in order: each waits until what it needs has really happened', () => {
  const waits = (name: (typeof names)[number]) => service(name).depends_on;
  const healthy = { condition: 'service_healthy' };
  const done = { condition: 'service_completed_successfully' };
  assert.deepEqual(waits('temporal-schema'), { postgresql: healthy });
  assert.deepEqual(waits('temporal'), { 'temporal-schema': done });
  assert.deepEqual(waits('temporal-namespace'), { temporal: healthy });
  assert.deepEqual(waits('temporal-ui'), { temporal: healthy });
  assert.deepEqual(waits('worker'), { 'temporal-namespace': done });
  assert.deepEqual(waits('client'), { 'temporal-namespace': done });
});

test('whatever is waited for to be healthy has a check, the database over TCP', () => {
  assert.ok(service('temporal').healthcheck?.test.includes('7233'));
  assert.ok(service('postgresql').healthcheck?.test.includes('--host=127.0.0.1'));
});

test('what runs once may end, what serves comes back', () => {
  for (const name of ['temporal-schema', 'temporal-namespace'] as const) {
    assert.match(service(name).restart ?? '', /^on-failure:\d+$/);
  }
  for (const name of ['postgresql', 'temporal', 'temporal-ui', 'worker'] as const) {
    assert.equal(service(name).restart, 'unless-stopped');
  }
});

test('both databases get their own schema', () => {
  const script = service('temporal-schema').command.join('\n');
  assert.match(script, /^set_up temporal temporal$/m);
  assert.match(script, /^set_up temporal_visibility visibility$/m);
  assert.equal(service('temporal-schema').environment['SQL_PLUGIN'], 'postgres12');
  assert.equal(service('temporal').environment['DB'], 'postgres12');
});

test('the namespace is only made where there is none, and it is the one the tools use', () => {
  const { command, environment } = service('temporal-namespace');
  assert.match(command.join('\n'), /namespace describe .*\|\|\s+temporal operator namespace create /);
  for (const name of ['worker', 'client'] as const) {
    assert.equal(service(name).environment['TEMPORAL_NAMESPACE'], environment['TEMPORAL_NAMESPACE']);
    assert.equal(service(name).environment['TEMPORAL_ADDRESS'], 'temporal:7233');
  }
});

test('the namespace gets the search attributes of batches, without which batches run all the same', () => {
  const script = service('temporal-namespace').command.join('\n');
  const added = [...script.matchAll(/--name (\w+) --type (\w+)/g)].map(([, name = '', type = '']) => ({
    name,
    type: type.toUpperCase(),
  }));
  assert.deepEqual(added, Object.values(searchAttributes));
  assert.match(script, /search-attribute create --namespace "\$\$TEMPORAL_NAMESPACE" [^]*\|\| true\s*$/);
});

test('the shell variables of scripts are not taken for variables of the file', () => {
  for (const [name, { command }] of composed) {
    const left = command.join('\n').replaceAll('$$', '');
    assert.doesNotMatch(left, /\$/, name);
  }
});

test('there can be several workers: no name, port or folder is theirs alone', () => {
  const { ports, volumes } = service('worker');
  for (const [name, each] of composed) assert.equal(each['container_name'], undefined, name);
  assert.deepEqual(ports, []);
  assert.deepEqual(volumes, ['batches:/data']);
});

test('a stopping worker has the time that a paid request may take', () => {
  for (const name of ['worker', 'client'] as const) {
    const grace = durationValue(0).parse(service(name).stop_grace_period);
    assert.ok(grace >= limitDefaults.requestTimeoutMs + 60_000, `${name}: ${grace}`);
    assert.ok(service(name).init, `${name} needs an init that passes signals on`);
  }
});

test('the client shares image and batches with the worker, starts only when asked, and reads prompts only', () => {
  const client = service('client');
  assert.equal(client.image, service('worker').image);
  assert.equal(client.build, service('worker').build);
  assert.deepEqual(client.profiles, ['client']);
  assert.deepEqual(client.volumes, ['batches:/data', './prompts:/prompts:ro']);
});

const dockerfile = textOf('Dockerfile');
const lastStage = dockerfile.slice(dockerfile.lastIndexOf('\nFROM '));

test('worker and client write to the volume, wherever they are told the folder or not', () => {
  const [, workdir] = /^WORKDIR (.+)$/m.exec(lastStage) ?? [];
  assert.equal(`${workdir}${DEFAULT_OUTPUT_DIR}`, '/data/batch_results');
  assert.deepEqual(service('worker').command, ['worker', '--output-dir', '/data/batch_results']);
  assert.match(lastStage, /mkdir -p \/data\/batch_results && chown -R node:node \/data/);
});

test('the image runs as an ordinary user, without what only the build needs', () => {
  const user = lastStage.indexOf('\nUSER node');
  assert.ok(user > lastStage.indexOf('chown'), 'the user comes after what root must do');
  assert.ok(lastStage.indexOf('\nENTRYPOINT') > user);
  assert.match(dockerfile, /npm ci --omit=dev/);
  assert.match(lastStage, /COPY --from=dependencies \/app\/node_modules /);
  assert.doesNotMatch(dockerfile, /^(ARG|ENV) .*(KEY|PASSWORD|SECRET|TOKEN)/m);
});

test('the image starts the program that the package has as its command', () => {
  const { bin } = z
    .object({ bin: z.object({ durabatch: z.string() }) })
    .parse(JSON.parse(textOf('package.json')));
  const [, entrypoint = '[]'] = /^ENTRYPOINT (.+)$/m.exec(lastStage) ?? [];
  assert.deepEqual(JSON.parse(entrypoint), ['node', `/app/${bin.durabatch}`]);
});

test('every stage has the C library that the SDK needs', () => {
  const bases = [...dockerfile.matchAll(/^FROM (\S+)/gm)].map(([, base]) => base!);
  const [image = '', ...others] = new Set(bases);
  assert.match(image, /^node:24\.\d+\.\d+-bookworm-slim@sha256:[0-9a-f]{64}$/);
  assert.deepEqual(others, ['base']);
});

test('the image is built from named files only, never from a .env', () => {
  const lines = textOf('.dockerignore')
    .split(/\r?\n/)
    .filter((line) => line !== '' && !line.startsWith('#'));
  assert.equal(lines[0], '*');
  for (const line of lines.slice(1)) {
    assert.match(line, /^![a-z]/);
    assert.ok(existsSync(new URL(`../${line.slice(1)}`, import.meta.url)), line);
  }
});

test('files that the services mount are there', () => {
  const mounts = composed.flatMap(([, { volumes }]) => volumes).filter((mount) => mount.startsWith('./'));
  assert.equal(mounts.length, 2);
  for (const mount of mounts) {
    const [path = ''] = mount.split(':');
    assert.ok(existsSync(new URL(`../${path}`, import.meta.url)), mount);
  }
});

/** What is in the environment wins over a `.env` of the developer's. */
const withPassword = (password: string) =>
  spawnSync('docker-compose', ['--file', 'docker-compose.yml', 'config'], {
    cwd: root,
    encoding: 'utf8',
    env: { ...process.env, POSTGRES_PASSWORD: password },
  });
const hasDockerCompose = spawnSync('docker-compose', ['version']).status === 0;
const skip = hasDockerCompose ? false : 'docker-compose is not installed';

test('docker-compose takes the file', { skip }, () => {
  const { status, stderr } = withPassword('for-the-test');
  assert.equal(status, 0, stderr);
});

test('docker-compose says which variable is missing', { skip }, () => {
  const { status, stderr } = withPassword('');
  assert.notEqual(status, 0);
  assert.match(stderr, /set POSTGRES_PASSWORD in the environment or in \.env/);
});

test('the server of the containers has the limits of the embedded one', () => {
  const settings = parse(textOf('deploy/temporal-dynamic-config.yaml')) as Record<
    string,
    [{ value: unknown }]
  >;
  const there = largeLimits.map(([name]) => [name, settings[name]?.[0].value]);
  assert.deepEqual(there, largeLimits);
});
