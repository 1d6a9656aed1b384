#!/usr/bin/env -S node --max-semi-space-size=8
// Left to itself, V8 spends 130 MB on a young generation that copies do not need.
// In JavaScript, since an older Node cannot read the rest.
const needed = 24;

if (Number.parseInt(process.versions.node) < needed) {
  console.error(`brigade: this is Node ${process.versions.node}, and ${needed} or later is needed.
The packages bring one: npm start, or node_modules/.bin/node src/surface/cli/brigade.js`);
  process.exit(1);
}
await import('./main.ts');
