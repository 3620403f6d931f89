export { leaseFolders, runtimeFolder } from '../cli/runtime-folder.ts';
