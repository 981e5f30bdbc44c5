// Entry of the WebAssembly module: what src/kernels may call.
export { allocate, release } from './arena';
export { accumulateGram, packedLength, PANEL_ROWS } from './gram';
export { eliminate, scratchBytes } from './qr';
