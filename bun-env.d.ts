// Here and not among the "types" of tsconfig.json: Deno reads that file too, and would install a whole Bun.
/// <reference types="bun" />
