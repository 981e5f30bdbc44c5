import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js';

/**
 * sha256 of the parts one after the other, as 64 lower-case hex digits; strings count as their UTF-8 bytes. Nothing is
 * put between the parts, so that hashing a file piece by piece gives the sum that `sha256sum` prints.
 */
export function sha256Hex(...parts: readonly (Uint8Array | string)[]): string {
  const hash = sha256.create();
  for (const part of parts) hash.update(typeof part === 'string' ? utf8ToBytes(part) : part);
  return bytesToHex(hash.digest());
}
