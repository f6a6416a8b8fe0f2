export const SITE = {
  website: "https://paper.press/", // replace this with your deployed domain
  author: "Sat Naing",
  profile: "https://satna.ing/",
  title: "AstroPaper",
  lightAndDarkMode: true,
  scheduledPostMargin: 15 * 60 * 1000, // 15 minutes
  editPost: { enabled: true, text: "Edit page" },
  lang: "en", // html lang code. Set this empty and default will be "en"
  timezone: "Asia/Bangkok", // Default global timezone (IANA format)
} as const;
