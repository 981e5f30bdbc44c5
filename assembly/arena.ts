// The single allocator of the module. Every buffer, the host's included, comes from here.
//
// Memory map, low to high addresses:
//
//   0 … __heap_base       static data of AssemblyScript; overwriting it breaks built-in functions without a trap
//   __heap_base … top     buffers of the running call, 16-byte aligned, in the order in which they were asked for
//   top … memory.size()   unused; grown in pages of 64 KiB when a buffer does not fit
//
// Growing detaches every view that the host holds, so it must make its views after its last `allocate`.

const ALIGNMENT: usize = 15;
const PAGE: usize = 65536;

let top: usize = (__heap_base + ALIGNMENT) & ~ALIGNMENT;

/** Address of a fresh buffer of `bytes` bytes, 16-byte aligned, contents undefined. Traps when memory is exhausted. */
export function allocate(bytes: usize): usize {
  const address = top;
  top = (address + bytes + ALIGNMENT) & ~ALIGNMENT;
  const wanted = <i32>((top + PAGE - 1) / PAGE);
  const pages = wanted - memory.size();
  if (pages > 0 && memory.grow(pages) < 0) unreachable();
  return address;
}

/** Gives up all buffers. The memory stays with the module for the next call. */
export function release(): void {
  top = (__heap_base + ALIGNMENT) & ~ALIGNMENT;
}

/** Gives up the buffers from an address of `allocate` on; those before stay. */
export function releaseTo(address: usize): void {
  top = address;
}
