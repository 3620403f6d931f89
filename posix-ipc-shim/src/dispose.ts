/** `Symbol.dispose`, also for a Node that has none (then `using` of compiled TypeScript finds the same stand-in). */
export const dispose: typeof Symbol.dispose = Symbol.dispose ?? (Symbol.for('Symbol.dispose') as typeof Symbol.dispose);
