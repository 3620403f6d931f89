/** The version of the user's code, as a build has left it in a file (spec mapreduce.md 12: BUILD_META_FILE). */

import { readFileSync } from 'node:fs';
import type { MapreduceVersion } from './configs.ts';

/** @returns null without a file, or if it holds something else */
export function buildVersion(file: string | undefined = process.env.BUILD_META_FILE): MapreduceVersion | null {
  if (file === undefined || file === '') return null;
  try {
    const value = JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>;
    const text = (key: string) => (typeof value[key] === 'string' ? value[key] : '');
    return {
      commit_hash: text('commit_hash'),
      branch_name: text('branch_name'),
      timestamp: text('timestamp'),
      repository_url: text('repository_url'),
    };
  } catch {
    return null;
  }
}
