#!/usr/bin/env node
// Old syntax on purpose: an old Node must get as far as the message.
var major = Number(process.versions.node.split('.')[0]);
if (major < 24) {
  process.stderr.write(
    'querent needs Node.js 24 or newer, but this is ' + process.versions.node + ' (' + process.execPath + ').\n' +
      'Install a newer one from https://nodejs.org, or inside the project with: npm install node@24\n'
  );
  process.exit(1);
} else {
  import('../dist/cli/main.js').catch(function (error) {
    process.stderr.write('querent could not start: ' + ((error && error.message) || error) + '\n');
    process.exit(1);
  });
}
