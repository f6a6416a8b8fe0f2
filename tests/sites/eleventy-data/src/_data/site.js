module.exports = {
  name: 'Journal',
  url: 'https://quiet.press',
  lang: 'fr',
  author: 'Léa Martin',
  buildTime: new Date(),
  env: process.env.NODE_ENV || "development",
};
