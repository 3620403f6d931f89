import { asInt, PyError, PyFloat, type PyValue, typeName } from './value.ts';

/** Python's `%` on a text, for the conversions that titles and prints use: d i x X s f g %. */
export function formatPercent(format: string, value: PyValue): string {
  const values = Array.isArray(value) ? [...value] : [value];
  const text = format.replace(
    /%([-0]?)(\d*)(?:\.(\d+))?([a-zA-Z%])/g,
    (_, flag: string, width: string, precision: string, kind: string) => {
      if (kind === '%') return '%';
      if (values.length === 0) throw new PyError('not enough values for the format');
      const body = convert(kind, values.shift() as PyValue, precision);
      const columns = Number(width || 0);
      return flag === '-' ? body.padEnd(columns) : body.padStart(columns, flag === '0' ? '0' : ' ');
    },
  );
  if (values.length > 0 && !(value instanceof Map)) throw new PyError('too many values for the format');
  return text;
}

function convert(kind: string, value: PyValue, precision: string | undefined): string {
  switch (kind) {
    case 'd':
    case 'i':
      return String(value instanceof PyFloat ? Math.trunc(value.value) : asInt(value, 'the value of %d'));
    case 'x':
      return asInt(value, 'the value of %x').toString(16);
    case 'X':
      return asInt(value, 'the value of %X').toString(16).toUpperCase();
    case 'f':
    case 'g': {
      const number = value instanceof PyFloat ? value.value : asInt(value, `the value of %${kind}`);
      return kind === 'f'
        ? number.toFixed(Number(precision ?? 6))
        : String(Number(number.toPrecision(Number(precision ?? 6))));
    }
    case 's':
      return shown(value);
    default:
      throw new PyError(`format %${kind} is not supported`);
  }
}

/** What `str` makes of a value. */
export function shown(value: PyValue): string {
  if (typeof value === 'string') return value;
  if (value === null) return 'None';
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  if (value instanceof PyFloat) return Number.isInteger(value.value) ? value.value.toFixed(1) : String(value.value);
  if (Array.isArray(value)) return `[${value.map(shown).join(', ')}]`;
  return typeof value === 'number' ? String(value) : `<${typeName(value)}>`;
}
