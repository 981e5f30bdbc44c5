import { FormatError } from '../core/errors.ts';

/** One member of an archive. */
export interface ZipEntry {
  readonly name: string;
  readonly bytes: Uint8Array;
}

const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, n) => {
  let c = n;
  for (let k = 0; k < 8; k++) c = c & 1 ? 0xedb88320 ^ (c >>> 1) : c >>> 1;
  return c >>> 0;
});

/** CRC-32 (IEEE 802.3) of some bytes. */
export function crc32(bytes: Uint8Array): number {
  let c = 0xffffffff;
  for (let i = 0; i < bytes.length; i++) c = CRC_TABLE[(c ^ bytes[i]!) & 0xff]! ^ (c >>> 8);
  return (c ^ 0xffffffff) >>> 0;
}

// Fixed time stamp 1980-01-01 00:00, so that equal content gives equal bytes.
const DOS_DATE = 0x21;

/** A ZIP archive without compression, fixed time stamps, sizes in the local headers: numpy and LAMMPS read such files. */
export function writeZip(entries: readonly ZipEntry[]): Uint8Array {
  const encoder = new TextEncoder();
  const names = entries.map((entry) => encoder.encode(entry.name));
  const bodySize = entries.reduce((sum, entry, i) => sum + 30 + names[i]!.length + entry.bytes.length, 0);
  const directorySize = names.reduce((sum, name) => sum + 46 + name.length, 0);
  const out = new Uint8Array(bodySize + directorySize + 22);
  const view = new DataView(out.buffer);
  let at = 0;
  let directory = bodySize;
  entries.forEach((entry, i) => {
    const name = names[i]!;
    const crc = crc32(entry.bytes);
    const common = (offset: number): void => {
      view.setUint16(offset, 20, true);
      view.setUint16(offset + 2, 0, true);
      view.setUint16(offset + 4, 0, true);
      view.setUint16(offset + 6, 0, true);
      view.setUint16(offset + 8, DOS_DATE, true);
      view.setUint32(offset + 10, crc, true);
      view.setUint32(offset + 14, entry.bytes.length, true);
      view.setUint32(offset + 18, entry.bytes.length, true);
      view.setUint16(offset + 22, name.length, true);
      view.setUint16(offset + 24, 0, true);
    };
    view.setUint32(at, 0x04034b50, true);
    common(at + 4);
    out.set(name, at + 30);
    out.set(entry.bytes, at + 30 + name.length);
    view.setUint32(directory, 0x02014b50, true);
    view.setUint16(directory + 4, 20, true);
    common(directory + 6);
    view.setUint32(directory + 42, at, true);
    out.set(name, directory + 46);
    at += 30 + name.length + entry.bytes.length;
    directory += 46 + name.length;
  });
  view.setUint32(directory, 0x06054b50, true);
  view.setUint16(directory + 8, entries.length, true);
  view.setUint16(directory + 10, entries.length, true);
  view.setUint32(directory + 12, directorySize, true);
  view.setUint32(directory + 16, bodySize, true);
  return out;
}

/**
 * Members of a ZIP archive without compression, each checked against its CRC-32.
 * @throws FormatError `NOT_A_ZIP`, `DAMAGED`, `COMPRESSED`, `STREAMED`
 */
export function readZip(bytes: Uint8Array, file: string): Map<string, Uint8Array> {
  const fail = (code: string, message: string): FormatError => new FormatError(code, { file }, message);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < 22 || (view.getUint32(0, true) !== 0x04034b50 && view.getUint32(0, true) !== 0x06054b50)) {
    throw fail('NOT_A_ZIP', 'file must be a ZIP archive, but does not begin like one');
  }
  const end = bytes.length - 22;
  if (view.getUint32(end, true) !== 0x06054b50) throw fail('DAMAGED', 'archive is damaged or cut short: no end record');
  const count = view.getUint16(end + 10, true);
  let at = view.getUint32(end + 16, true);
  const members = new Map<string, Uint8Array>();
  const decoder = new TextDecoder();
  for (let i = 0; i < count; i++) {
    if (at + 46 > end || view.getUint32(at, true) !== 0x02014b50)
      throw fail('DAMAGED', `archive is damaged: bad directory entry ${i + 1}`);
    const method = view.getUint16(at + 10, true);
    const flags = view.getUint16(at + 8, true);
    const crc = view.getUint32(at + 16, true);
    const size = view.getUint32(at + 24, true);
    const nameLength = view.getUint16(at + 28, true);
    const local = view.getUint32(at + 42, true);
    if (at + 46 + nameLength > end || local + 30 > end)
      throw fail('DAMAGED', `archive is damaged: bad directory entry ${i + 1}`);
    const name = decoder.decode(bytes.subarray(at + 46, at + 46 + nameLength));
    if (method !== 0)
      throw fail('COMPRESSED', `member "${name}" must be stored without compression, got method ${method}`);
    // Bit 0: encrypted. Bit 3: sizes stand behind the member, where readers that go through the file do not find them.
    if ((flags & 0b1001) !== 0)
      throw fail(
        'STREAMED',
        `member "${name}" must have its size in its header and not be encrypted, got flags ${flags}`,
      );
    if (view.getUint32(local, true) !== 0x04034b50)
      throw fail('DAMAGED', `archive is damaged: member "${name}" has no header`);
    const start = local + 30 + view.getUint16(local + 26, true) + view.getUint16(local + 28, true);
    if (start + size > end) throw fail('DAMAGED', `archive is damaged: member "${name}" is cut short`);
    const content = bytes.slice(start, start + size);
    if (crc32(content) !== crc)
      throw fail('DAMAGED', `archive is damaged: member "${name}" does not match its checksum`);
    members.set(name, content);
    at += 46 + nameLength + view.getUint16(at + 30, true) + view.getUint16(at + 32, true);
  }
  return members;
}
