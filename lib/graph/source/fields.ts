export { Fields } from '../../xtc/fields.ts';
