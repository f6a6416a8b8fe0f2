const site = require("./src/_data/site.js");

module.exports = function (eleventyConfig) {
  eleventyConfig.addPassthroughCopy("src/images");
  eleventyConfig.addPassthroughCopy({ "src/fonts/files": "fonts" });
  return {
    pathPrefix: "/journal/",
    dir: { input: "src", output: "dist" },
  };
};
