import { describe, expect, it } from 'vitest';
import type { Structure } from '../core/structure/structure.ts';
import { parseExtxyzText } from '../formats/extxyz.ts';
import { parsePoscar } from '../formats/poscar.ts';
import { MANUAL_REFERENCE, manualInputs } from './manual.ts';

const structure = (x: number): Structure => ({
  positions: Float64Array.of(x, 0, 0, 1.4, 1.4, 1.4),
  cell: Float64Array.of(5, 0, 0, 0, 5, 0, 0, 0, 5),
  pbc: [true, true, true],
  species: Uint8Array.of(14, 14),
});
const requests = [
  { id: 'aa', structure: structure(0.1) },
  { id: 'bb', structure: structure(0.2) },
];

describe('manual reference', () => {
  it('lays out all structures in one file, exactly, with their ids', () => {
    const frames = parseExtxyzText(manualInputs(requests, 'extxyz').get('to-label.extxyz')!, 'x').map(
      ({ frame }) => frame,
    );
    expect(frames.map(({ structure }) => structure)).toEqual(requests.map(({ structure }) => structure));
    expect(frames.map(({ info }) => info.querent_id)).toEqual(['aa', 'bb']);
    expect(frames[0]!.labels).toEqual({ energy: null, forces: null, virial: null });
  });

  it('adds a POSCAR each when asked for', () => {
    const files = manualInputs(requests, 'poscar');
    expect([...files.keys()]).toEqual(['README.txt', 'to-label.extxyz', 'POSCAR/aa/POSCAR', 'POSCAR/bb/POSCAR']);
    const read = parsePoscar(files.get('POSCAR/bb/POSCAR')!, 'POSCAR').structure;
    expect(read.positions).toAgree(requests[1]!.structure.positions, {
      atol: 1e-12,
      why: 'fractional coordinates and back',
    });
    expect([...manualInputs(requests, 'extxyz').keys()]).toEqual(['README.txt', 'to-label.extxyz']);
  });

  it('says what to compute, in which units, and how to hand it in', () => {
    const text = manualInputs(requests, 'poscar').get('README.txt')!;
    expect(text).toMatch(/^2 structures wait/);
    for (const word of [
      'free energy',
      'eV/Å³, tension positive',
      'querent label --import labelled.extxyz',
      'POSCAR/<id>/POSCAR',
    ]) {
      expect(text).toContain(word);
    }
    expect(MANUAL_REFERENCE.kind).toBe('manual');
  });
});
