// Entry of the WebAssembly module: what src/kernels may call.
export { allocate, release, releaseTo } from './arena';
export { factorCholesky } from './cholesky';
export { accumulateGram, gramAll, gramLower, gramUpper, PANEL_ROWS, product } from './gram';
export { PROBE_WIDTH, probe } from './probe';
export { eliminate, scratchBytes } from './qr';
export {
  mirrorAbove,
  packRows,
  packTransposed,
  stripsLength,
  transposeInPlace,
  unpackRows,
  unpackTransposed,
} from './strips';
export { solveTransposed } from './triangular';
export { CHUNK, surround } from './rows';
export { accumulate, addTransposed, contract, TILE_BYTES } from './rows-contraction';
export { derivatives, functionValues, multiplyNodes } from './rows-products';
export { radialRows } from './rows-radial';
export {
  ATOMS_PER_BATCH,
  BYTES_PER_BLOCK_HEADER,
  BYTES_PER_LONG_ROW,
  BYTES_PER_NODE,
  BYTES_PER_ROW,
  evaluateAtoms,
  NEIGHBORS_PER_BLOCK,
} from './evaluate';
