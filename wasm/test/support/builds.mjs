// SPDX-License-Identifier: MIT
// builds.mjs - the builds of the package by name, with what is different in each.

export const builds = {
  wasm: { script: 'index.js' },
  plain: { script: 'plain.js', isPlain: true },
  lite: { script: 'lite.js', isLite: true },
};

export const load = ({ script }) => import(`../../dist/${script}`);

/** Those of a list of cases that a build has the features for. */
export const casesFor = ({ isLite = false }, list) => list.filter((each) =>
  each.isLite === undefined || each.isLite === isLite);
