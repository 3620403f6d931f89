/** Values of a graph; the notation lives in a base because viewers read records too. */

export * from '../json/value.ts';
