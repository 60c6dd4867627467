import { Suspense } from "react";

async function Later() {
  await new Promise((resolve) => setTimeout(resolve, 200));
  return <p>it came later</p>;
}

export const dynamic = "force-dynamic";

export default function Page() {
  return (
    <Suspense fallback={<p>it is awaited</p>}>
      <Later />
    </Suspense>
  );
}
