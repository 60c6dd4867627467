import { headers } from "next/headers";

export default async function Page({ searchParams }) {
  const { name = "world" } = await searchParams;
  const host = (await headers()).get("host");
  return (
    <p>
      Hello {name} at {host}
    </p>
  );
}
