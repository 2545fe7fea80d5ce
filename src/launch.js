import process from 'node:process';

// Plain JavaScript, because older versions of Node.js cannot read the TypeScript of the service.
const minimumNode = 24;

if (Number.parseInt(process.versions.node, 10) < minimumNode) {
  process.stderr.write(
    `token-broker runs on Node.js ${minimumNode} or later, and this is ${process.versions.node}. Install Node.js ${minimumNode}, or run npm ci without --omit=dev, which brings its own for npm start.\n`,
  );
  process.exitCode = 1;
} else {
  await import('./main.ts');
}
