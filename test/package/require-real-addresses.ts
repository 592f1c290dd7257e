import { readManifest } from "./packed-package.ts";

/** Before `npm publish`: the addresses in package.json must be real ones. `.example` is reserved and belongs to nobody (RFC 2606). */
const { homepage, bugs, repository } = await readManifest();
const reserved = Object.entries({ homepage, bugs, repository: repository.url }).filter(([, address]) => /\.example\b/.test(address));
for (const [field, address] of reserved) console.error(`package.json: ${field} is a placeholder: ${address}`);
if (reserved.length > 0) process.exitCode = 1;
