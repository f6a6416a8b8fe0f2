// @ts-check

import mdx from '@astrojs/mdx';
import sitemap from '@astrojs/sitemap';
import { defineConfig } from 'astro/config';

// https://astro.build/config
export default defineConfig({
	site: 'https://ann.dev',
	base: '/writing',
	trailingSlash: 'never',
	integrations: [mdx(), sitemap({ filter: (page) => page !== 'https://ann.dev/secret' })],
	i18n: { defaultLocale: 'pt-br', locales: ['pt-br', 'en'] },
});
