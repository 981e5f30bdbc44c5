#!/usr/bin/env node
// Old syntax on purpose: an old Node must get as far as the message.
import { existsSync } from 'fs';

var major = Number(process.versions.node.split('.')[0]);
if (major < 24) {
  process.stderr.write(
    'querent needs Node.js 24 or newer, but this is ' + process.versions.node + ' (' + process.execPath + '): ' +
      'install one from https://nodejs.org, or beside your project with npm install node@24\n'
  );
  process.exit(1);
} else {
  // A clone runs its sources, the published package what was compiled from them.
  var source = new URL('../src/cli/main.ts', import.meta.url);
  var entry = existsSync(source) ? source : new URL('../dist/cli/main.js', import.meta.url);
  import(entry.href).catch(function (error) {
    process.stderr.write('querent could not start: ' + ((error && error.message) || error) + '\n');
    process.exit(1);
  });
}
