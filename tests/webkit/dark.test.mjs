// SPDX-License-Identifier: MIT
// dark.test.mjs - the gallery for those who want it dark, on a screen and on a phone.

import { demoWith } from './support/demo.mjs';
import { looksIn } from './support/looks.mjs';

looksIn(demoWith(['ada'], { isDark: true }), { isDark: true });
