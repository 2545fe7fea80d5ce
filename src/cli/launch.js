#!/usr/bin/env node
import process from 'node:process';

// Plain JavaScript, because older versions of Node.js cannot read the modules of the command line.
const minimumNode = '24.0';

const [major, minor] = minimumNode.split('.').map(Number);
const [ownMajor, ownMinor] = process.versions.node.split('.').map(Number);
if (ownMajor < major || (ownMajor === major && ownMinor < minor)) {
  process.stderr.write(
    `token-broker runs on Node.js ${minimumNode} or later, and this is ${process.versions.node}. Install a later Node.js, or run it as npm run token-broker -- in a folder after npm ci, which brings its own.\n`,
  );
  process.exitCode = 1;
} else {
  await import('./main.ts');
}
