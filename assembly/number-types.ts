// Numbers as types: the number is offsetof<N>(). A generic function is compiled once for each number that it is called
// with, its conditions settled and what it does not use left out, so that tiles of several widths are written once.

@unmanaged
export class One {
  one: u8;
}

@unmanaged
export class Two extends One {
  two: u8;
}

@unmanaged
export class Three extends Two {
  three: u8;
}

@unmanaged
export class Four extends Three {
  four: u8;
}

@unmanaged
export class Five extends Four {
  five: u8;
}

@unmanaged
export class Eight extends Five {
  six: u8;
  seven: u8;
  eight: u8;
}
